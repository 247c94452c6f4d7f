"""Undoing Content-Encoding within bounds.

A kilobyte of brotli or zstd may stand for gigabytes, so no call makes more than a bounded piece and every stage counts
what it has made.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from tasks.fetch.failures import FetchError
from tasks.model import Reason

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
MAX_ENCODINGS = 2
MAX_PIECE = 64 * 1024

_MAX_MEMBERS = 1000
_GZIP = zlib.MAX_WBITS | 16
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_MAX_WINDOW = 8 * 1024 * 1024  # RFC 9659
_ZSTD_STEP = 128  # bytes of input: a block of 4 may make 128 KiB
_ERRORS = (zlib.error, brotli.error, zstandard.ZstdError)


class Stage(Protocol):
    """One encoding being undone."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of what ``data`` stands for."""

    @property
    def complete(self) -> bool:
        """The stream has reached its own end."""


class Body:
    """Collects a body from what arrives.

    Attributes:
        wire_bytes: how many were transferred.

    Args:
        content_encoding: the header's value, None where absent.
        limit: bytes on the wire, and that any stage may make.
    """

    def __init__(self, content_encoding: str | None, limit: int) -> None:
        self._limit = limit
        self._stages = [_Counted(stage, limit) for stage in _stages(content_encoding)]
        self._pieces: list[bytes] = []
        self.wire_bytes = 0

    def feed(self, data: bytes) -> None:
        """Takes the next bytes as transferred.

        Raises:
            FetchError: too-large or bad-encoding.
        """
        self.wire_bytes += len(data)
        if self.wire_bytes > self._limit:
            raise too_large(self._limit)
        if not self._stages:
            self._pieces.append(data)
            return
        try:
            self._pieces.extend(_through(self._stages, data))
        except _ERRORS as error:
            raise FetchError(Reason.BAD_ENCODING, f"the body is not in its Content-Encoding: {error}") from error

    def so_far(self) -> bytes:
        """What has been decoded by now."""
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    @property
    def received(self) -> int:
        """Decoded bytes, those over the limit included."""
        return self._stages[-1].made if self._stages else self.wire_bytes

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            FetchError: bad-encoding where nothing came out, truncated where the encoded stream ends early.
        """
        body = b"".join(self._pieces)
        if self._stages and self.wire_bytes and not all(stage.complete for stage in self._stages):
            if not body:
                raise FetchError(Reason.BAD_ENCODING, "the body is not in its Content-Encoding: nothing could be read")
            raise FetchError(Reason.TRUNCATED, "the encoded body ends early")
        return body


def too_large(limit: int) -> FetchError:
    return FetchError(Reason.TOO_LARGE, f"the body is larger than {limit} bytes")


def _stages(content_encoding: str | None) -> list[Stage]:
    """Decoders in the order of undoing, which is the reverse of the header's.

    Where it names one that browsers do not know, they undo none: https://fetch.spec.whatwg.org/#handle-content-codings
    """
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if not _DECODERS.keys() >= set(names):
        return []
    if len(names) > MAX_ENCODINGS:
        raise FetchError(Reason.BAD_ENCODING, f"{len(names)} content encodings: at most {MAX_ENCODINGS} are undone")
    return [_DECODERS[name]() for name in reversed(names)]


def _through(stages: list["_Counted"], data: bytes) -> Iterator[bytes]:
    if not stages:
        yield data
        return
    for piece in stages[0].feed(data):
        yield from _through(stages[1:], piece)


class _Counted:
    def __init__(self, stage: Stage, limit: int) -> None:
        self._stage = stage
        self._limit = limit
        self.made = 0

    @property
    def complete(self) -> bool:
        return self._stage.complete

    def feed(self, data: bytes) -> Iterator[bytes]:
        for piece in self._stage.feed(data):
            self.made += len(piece)
            if self.made > self._limit:
                raise too_large(self._limit)
            yield piece


def _inflate(stream: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    while True:
        piece = stream.decompress(data, MAX_PIECE)
        yield piece
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(piece) < MAX_PIECE):
            return


class _Gzip:
    """gzip, in one or several members (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self._members = 1
        self._after = b""

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._after = self._after[:2] + data
                if not self._after.startswith(_GZIP_MAGIC):
                    return  # padding, or the first byte of a member
                data = self._after
                self._next_member()
            yield from _inflate(self._stream, data)
            data = self._stream.unused_data

    def _next_member(self) -> None:
        self._after = b""
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise FetchError(Reason.BAD_ENCODING, f"more than {_MAX_MEMBERS} gzip members")
        self._stream = zlib.decompressobj(_GZIP)


class _Deflate:
    """zlib as the standard says, or raw as many servers send."""

    def __init__(self) -> None:
        self._start = b""
        self._stream: zlib._Decompress | None = None

    @property
    def complete(self) -> bool:
        return self._stream is not None and self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._start += data
            if len(self._start) < 2:  # noqa: PLR2004 - a zlib header's length
                return
            data, self._start = self._start, b""
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(data) else -zlib.MAX_WBITS)
        if not self._stream.eof:
            yield from _inflate(self._stream, data)


def _is_zlib(data: bytes) -> bool:
    """RFC 1950, section 2.2; no deflate encoder starts a raw stream with these bits."""
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._stream.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield self._stream.process(data, output_buffer_limit=MAX_PIECE)
        while not self._stream.can_accept_more_data():
            yield self._stream.process(b"", output_buffer_limit=MAX_PIECE)


class _Zstd:
    """zstd, in one or several frames."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW)
        self._stream = self._decompressor.decompressobj()
        self._frames = 1

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            yield from self._step(data[start : start + _ZSTD_STEP])

    def _step(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._next_frame()
            yield self._stream.decompress(data)
            data = self._stream.unused_data if self._stream.eof else b""

    def _next_frame(self) -> None:
        self._frames += 1
        if self._frames > _MAX_MEMBERS:
            raise FetchError(Reason.BAD_ENCODING, f"more than {_MAX_MEMBERS} zstd frames")
        self._stream = self._decompressor.decompressobj()


_DECODERS: dict[str, Callable[[], Stage]] = {
    "br": _Brotli,
    "deflate": _Deflate,
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "zstd": _Zstd,
}
