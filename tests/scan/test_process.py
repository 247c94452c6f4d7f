import platform
import subprocess
import sys

from tasks.model import HostDemand
from tasks.scan.process import holder_name, is_gone
from tasks.store.driver import this_node

ALL = HostDemand(host="h:80", connections=8, in_use=0, departures=0, limit=8, spacing=0)


def dead_holder():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return f"{this_node()}/{child.pid}/abcd"


def test_who_is_gone():
    assert not is_gone(holder_name())
    assert is_gone(dead_holder())
    dead = dead_holder().rpartition("/")[0].rpartition("/")[2]
    assert not is_gone(f"another-machine/{dead}/abcd")
    assert not is_gone(f"{platform.node()}/another-boot/{dead}/abcd")
    assert not is_gone("no such form")


def test_what_a_dead_process_held_is_free_at_once(store):
    [share] = store.hosts.renew(dead_holder(), [ALL], now=1e9)
    assert share.connections == 8
    mine = holder_name()
    [share] = store.hosts.renew(mine, [ALL], now=1e9)
    assert share.connections == 0
    store.hosts.give_back(is_gone)
    [share] = store.hosts.renew(mine, [ALL], now=1e9)
    assert share.connections == 8


INTERRUPTED = """
import io, os, signal, threading, time
from tasks.scan.process import enter_pool_child
enter_pool_child()
import polars as pl
frame = pl.DataFrame({"a": range(3_000_000)})
threading.Thread(target=lambda: [os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.01) for _ in range(50)]).start()
for _ in range(5):
    frame.write_parquet(io.BytesIO(), compression="zstd")
print("written")
"""


def test_ctrl_c_interrupts_no_write_of_a_pool_child():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout, ended.returncode) == ("written\n", 0), ended.stderr
