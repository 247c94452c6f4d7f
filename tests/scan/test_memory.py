"""Cycles are freed chunk by chunk where Python looks for them rarely, and nothing older is looked at."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from tasks.scan.memory import collect_cycles, collect_rarely, spare_what_is_there

class Cycle:
    def __init__(self):
        self.itself = self

gc.disable()
collect_cycles()
here = weakref.ref(Cycle())
collect_cycles()
print("a notebook's process is left alone:", here() is not None)
collect_rarely()
spare_what_is_there()
spared = gc.get_freeze_count()
made = weakref.ref(Cycle())
spare_what_is_there()
collect_cycles()
print("a chunk's cycles are freed:", made() is None)
print("what was there is spared:", here() is not None and gc.get_freeze_count() == spared > 0)
"""


def test_only_what_a_chunk_made_is_collected():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "a notebook's process is left alone: True",
        "a chunk's cycles are freed: True",
        "what was there is spared: True",
    ]
