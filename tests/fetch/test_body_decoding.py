import gzip
import tracemalloc
import zlib
from functools import cache, partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tasks.fetch.decode import ACCEPT_ENCODING, Body
from tasks.fetch.failures import FetchError
from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Reason

TEXT = b"<p>Tea is a drink made of leaves and hot water.</p>" * 400
LIMIT = 5_000_000


def deflate_raw(data):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def decoded(encoding, wire, *, step=None, limit=LIMIT):
    body = Body(encoding, limit)
    for start in range(0, len(wire), step or max(1, len(wire))):
        body.feed(wire[start : start + step] if step else wire)
    assert body.wire_bytes == len(wire)
    return body.finish()


def reason(encoding, wire, **kwargs):
    with pytest.raises(FetchError) as caught:
        decoded(encoding, wire, **kwargs)
    return caught.value.reason


@pytest.mark.parametrize("step", [None, 1, 7, 1000])
@pytest.mark.parametrize("encoding", ENCODERS)
def test_encoding_is_undone_however_it_arrives(encoding, step):
    assert decoded(encoding, ENCODERS[encoding](TEXT), step=step) == TEXT


@pytest.mark.parametrize("step", [None, 1])
def test_raw_deflate(step):
    assert decoded("deflate", deflate_raw(TEXT), step=step) == TEXT


@pytest.mark.parametrize("encoding", [None, "", "identity", " identity , "])
def test_unencoded(encoding):
    assert decoded(encoding, TEXT, step=100) == TEXT


@pytest.mark.parametrize("inner", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("outer", ["gzip", "br", "zstd", "deflate"])
def test_two_encodings_are_undone_last_first(inner, outer):
    wire = ENCODERS[outer](ENCODERS[inner](TEXT))
    assert decoded(f"{inner}, {outer}", wire) == TEXT
    assert decoded(f"{inner}, {outer}", wire, step=3) == TEXT


@pytest.mark.parametrize("encoding", [name.strip() for name in ACCEPT_ENCODING.split(",")])
def test_what_is_accepted_is_undone(encoding):
    assert decoded(encoding, ENCODERS[encoding](TEXT)) == TEXT


@pytest.mark.parametrize(
    "encoding",
    ["compress", "utf-8", "none", "binary", "aws-chunked", "aws-chunked, gzip", "gzip;q=1", "*", "\x1b", "a, b, c"],
)
def test_where_an_encoding_is_unknown_none_is_undone(encoding):
    assert decoded(encoding, TEXT) == TEXT


def test_too_many_encodings():
    assert reason("br, gzip, br", b"x") is Reason.BAD_ENCODING


@pytest.mark.parametrize("step", [None, 1, 5])
def test_several_members_and_frames(step):
    for encoding in ("gzip", "zstd"):
        wire = ENCODERS[encoding](b"one ") + ENCODERS[encoding](b"two ") + ENCODERS[encoding](b"three")
        assert decoded(encoding, wire, step=step) == b"one two three"


@pytest.mark.parametrize("step", [None, 1])
def test_padding_after_gzip_is_ignored(step):
    assert decoded("gzip", gzip.compress(TEXT) + b"\0" * 50, step=step) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_endless_empty_members_are_refused(encoding):
    assert reason(encoding, ENCODERS[encoding](b"") * 5000) is Reason.BAD_ENCODING


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_an_early_end_is_noticed(encoding):
    wire = ENCODERS[encoding](bytes(range(256)) * 2000)
    assert reason(encoding, wire[:-3]) is Reason.TRUNCATED


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("wire", [b"h", b"hello", b"<!doctype html><title>plain</title>"])
def test_bodies_that_are_not_encoded_at_all(encoding, wire):
    assert reason(encoding, wire) is Reason.BAD_ENCODING


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_body_at_all(encoding):
    assert decoded(encoding, b"") == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_limit_counts_what_comes_out(encoding):
    wire = ENCODERS[encoding](b"a" * 1001)
    assert decoded(encoding, ENCODERS[encoding](b"a" * 1000), limit=1000) == b"a" * 1000
    assert reason(encoding, wire, limit=1000) is Reason.TOO_LARGE


def test_limit_counts_what_is_transferred():
    assert reason(None, b"a" * 1001, limit=1000) is Reason.TOO_LARGE


BOMBS = ("gzip", "br", "zstd", "gzip, gzip", "br, zstd", "gzip, br")
PACKERS = {
    "gzip": gzip.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.ZstdCompressor(level=19).compress,
}


@cache
def bomb(encoding):
    """200 MB of zeros, packed where they are used: whoever only collects the tests need not wait."""
    *inner, outer = encoding.split(", ")
    return PACKERS[outer](bomb(*inner) if inner else bytes(200_000_000))


@pytest.mark.parametrize("encoding", BOMBS)
def test_bomb_is_stopped_within_bounds(encoding):
    wire = bomb(encoding)
    tracemalloc.start()
    assert reason(encoding, wire, limit=LIMIT) is Reason.TOO_LARGE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LIMIT


@pytest.mark.parametrize("encoding", BOMBS)
async def test_bomb_from_a_server(serve, encoding):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    server = await serve(head + bomb(encoding))
    async with Fetcher(FetchOptions(allow=[server.allow], max_body=LIMIT)) as fetcher:
        answer = await fetcher.fetch(server.url())
    assert (answer.reason, answer.status) == (Reason.TOO_LARGE, 200)


async def test_response_counts_both_lengths(serve):
    wire = gzip.compress(TEXT)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\n"
    server = await serve(head + wire)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        answer = await fetcher.fetch(server.url())
    assert (answer.body, answer.text, answer.wire_bytes) == (TEXT, TEXT.decode(), len(wire))


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: image/png\r\n", b"abc", None),
        (b"Content-Type: application/pdf\r\n", b"%PDF-1.7", None),
        (b"Content-Type: application/octet-stream\r\n", b"abc", None),
        (b"Content-Type: text/plain\r\n", b"abc", "abc"),
        (b"Content-Type: Application/LD+JSON; x=y\r\n", b"{}", "{}"),
        (b"Content-Type: application/rss+xml\r\n", b"<rss/>", "<rss/>"),
        (b"", b"<html>", "<html>"),
        (b"", b"\xff\xfea\0", "a"),
        (b"", b"\x89PNG\r\n\x1a\n\0\0", None),
        (b"Content-Type: text/html\r\n", b"", ""),
    ],
)
async def test_only_textual_bodies_have_text(serve, head, body, text):
    server = await serve(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)
    async with Fetcher(FetchOptions(allow=[server.allow])) as fetcher:
        answer = await fetcher.fetch(server.url())
    assert (answer.body, answer.text) == (body, text)
    assert (answer.encoding is None) == (text is None)


@given(
    data=st.binary(max_size=2000), step=st.integers(1, 50), encoding=st.sampled_from(["gzip", "deflate", "br", "zstd"])
)
def test_any_data_survives_any_cutting(data, step, encoding):
    assert decoded(encoding, ENCODERS[encoding](data), step=step) == data


@given(
    wire=st.binary(min_size=1, max_size=500),
    start=st.sampled_from([b"", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\x0b"]),
    encoding=st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"]),
)
def test_any_bytes_decode_or_are_refused(wire, start, encoding):
    try:
        outcome = decoded(encoding, start + wire)
    except FetchError as error:
        outcome = error.reason
    assert isinstance(outcome, bytes) or outcome in {Reason.BAD_ENCODING, Reason.TRUNCATED}
