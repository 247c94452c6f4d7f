"""From the bytes of a sitemap file to its text, piece by piece and within bounds."""

import codecs
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

import webencodings

from tasks.urls import printable

MAX_BYTES = 50 * 1024 * 1024  # https://www.sitemaps.org/faq.html#faq_sitemap_size
MAX_FAULTS = 100
PIECE = 64 * 1024

MakeDecoder = Callable[[str], codecs.IncrementalDecoder]

_GZIP = zlib.MAX_WBITS | 16
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 1000
_SNIFFED = 256
_STARTS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


@dataclass(slots=True)
class Faults:
    """What is wrong with a file: the first 100 in words, the rest counted."""

    texts: list[str] = field(default_factory=list)
    further: int = 0

    def add(self, text: str) -> None:
        if len(self.texts) < MAX_FAULTS:
            self.texts.append(text)
        else:
            self.further += 1

    def told(self) -> tuple[str, ...]:
        return (*self.texts, *([f"{self.further:,} more"] if self.further else []))


def text_of(body: bytes, faults: Faults) -> Iterator[str]:
    """The text of ``body``, without what is blank before it; at most 50 MiB once decompressed."""
    pieces = _bounded(_inflated(body, faults) if body.startswith(_GZIP_MAGIC) else _sliced(body), faults)
    start = next(pieces, b"")
    text = _decoded(chain([start], pieces), _encoding(start, faults), faults)
    for piece in text:
        if stripped := piece.lstrip("\ufeff \t\r\n"):
            if stripped is not piece and piece[0] != "\ufeff" and stripped.startswith("<?xml"):
                faults.add("white space before the XML declaration")
            yield stripped
            break
    yield from text


def _sliced(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


def _bounded(pieces: Iterator[bytes], faults: Faults) -> Iterator[bytes]:
    left = MAX_BYTES
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left < 0:
            faults.add(f"larger than {MAX_BYTES:,} bytes: the rest is not read")
            return


def _inflated(body: bytes, faults: Faults) -> Iterator[bytes]:
    """What the gzip file ``body`` holds, up to where it breaks."""
    at, nested_checked = 0, False
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(_GZIP)
        while not stream.eof:
            data, before = body[at : at + PIECE], stream.copy()
            try:
                piece = stream.decompress(data, PIECE)
            except zlib.error as error:
                faults.add(f"broken gzip: {error}")
                yield _up_to_the_error(before, data)
                return
            at += len(data) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)
            if not nested_checked and piece:
                nested_checked = True
                if piece.startswith(_GZIP_MAGIC):
                    faults.add("gzip inside gzip")
                    return
            if piece:
                yield piece
            elif not data and not stream.eof:
                faults.add("the gzip file ends early")
                return
        if not body.startswith(_GZIP_MAGIC, at):
            return
    faults.add(f"more than {_MAX_MEMBERS:,} gzip members: the rest is not read")


def _up_to_the_error(stream: "zlib._Decompress", data: bytes) -> bytes:
    """What the call that failed had made already; an error withholds it."""
    made = bytearray()
    with suppress(zlib.error):
        for at in range(len(data)):
            made += stream.decompress(data[at : at + 1], PIECE)
    return bytes(made)


def _encoding(start: bytes, faults: Faults) -> tuple[str, MakeDecoder]:
    """Name and decoder by byte order mark, by XML declaration, else UTF-8."""
    for mark, name in _STARTS:
        if start.startswith(mark):
            return name, codecs.getincrementaldecoder(name)
    label = _declared(start[:_SNIFFED])
    encoding = webencodings.lookup(label or "utf-8")
    if encoding is None:
        faults.add(f"unknown encoding {printable(label)}: read as UTF-8")
    # A declaration that can be read byte by byte does not stand in UTF-16.
    if encoding is None or encoding.name.startswith("utf-16"):
        encoding = webencodings.UTF8
    return encoding.name, encoding.codec_info.incrementaldecoder


def _declared(start: bytes) -> str:
    head, end, _ = start.partition(b"?>")
    if not end or not head.lstrip().startswith(b"<?xml"):
        return ""
    value = head.partition(b"encoding")[2].lstrip(b" \t\r\n=")
    return value[1:].partition(value[:1])[0].decode("latin-1") if value[:1] in {b'"', b"'"} else ""


def _decoded(pieces: Iterator[bytes], encoding: tuple[str, MakeDecoder], faults: Faults) -> Iterator[str]:
    name, make = encoding
    decoder = make("strict")
    for piece in chain(filter(None, pieces), [b""]):
        is_last = not piece
        state = decoder.getstate()
        try:
            yield decoder.decode(piece, is_last)
        except UnicodeDecodeError:
            faults.add(f"not valid {name}: what cannot be read is replaced")
            decoder = make("replace")
            decoder.setstate(state)
            yield decoder.decode(piece, is_last)
