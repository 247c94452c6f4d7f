"""A gibibyte in a few kilobytes: stopped at once, in little memory, by whoever unpacks it."""

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard

pytestmark = [pytest.mark.chaos, pytest.mark.beside]

GIB = 1024**3
PIECE = b"\0" * (16 * 1024 * 1024)

MEASURE = """
import json, sys, time
from pathlib import Path
from tasks.crawl.sitemap import parse_sitemap
from tasks.fetch.decode import Body
from tasks.fetch.failures import FetchError
def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
encoding, wire = sys.argv[1], Path(sys.argv[2]).read_bytes()
before, began = peak(), time.process_time()
if encoding == "sitemap.gz":
    told = " ".join(parse_sitemap(wire, "http://tea.example/sitemap.xml.gz").errors)
else:
    body = Body(encoding, 15 * 1024 * 1024)
    try:
        body.feed(wire)
        told = "unpacked"
    except FetchError as error:
        told = error.reason
print(json.dumps([str(told), time.process_time() - began, (peak() - before) / 1024]))
"""


def packed(stream, finish):
    return b"".join([*(stream(PIECE) for _ in range(GIB // len(PIECE))), finish()])


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    gzipping = zlib.compressobj(9, wbits=31)
    brotling = brotli.Compressor(quality=1)
    zstandarding = zstandard.ZstdCompressor(level=1).compressobj()
    wires = {
        "gzip": packed(gzipping.compress, gzipping.flush),
        "br": packed(brotling.process, brotling.finish),
        "zstd": packed(zstandarding.compress, zstandarding.flush),
    }
    wires["gzip, gzip"] = gzip.compress(wires["gzip"])
    wires["sitemap.gz"] = wires["gzip"]
    folder = tmp_path_factory.mktemp("bombs")
    for name, wire in wires.items():
        (folder / name).write_bytes(wire)
    return folder


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "gzip, gzip", "sitemap.gz"])
def test_a_gibibyte_is_stopped_early_and_small(bombs, name, record):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, name, str(bombs / name)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told, seconds, memory = json.loads(done.stdout)
    if name == "sitemap.gz":
        assert "larger than 52,428,800 bytes: the rest is not read" in told
    else:
        assert told == "too-large"
    assert (seconds <= 0.5, memory <= 100) == (True, True), (seconds, memory)
    record(f"bomb-{name}", cpu_s=round(seconds, 2), memory_mb=round(memory))
