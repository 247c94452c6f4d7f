"""Bytes to characters, as browsers do it (https://encoding.spec.whatwg.org/)."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

import webencodings

from tasks.fetch import multi_byte
from tasks.fetch.prescan import encoding_of, late_meta, prescan

UTF_8 = "utf-8"
FALLBACK = "windows-1252"

_BOMS = {UTF_8: codecs.BOM_UTF8, "utf-16be": codecs.BOM_UTF16_BE, "utf-16le": codecs.BOM_UTF16_LE}
_PARAMETER = re.compile(r';[\t\n\r ]*([^;="]*)(?:=(?:"((?:\\.|[^"\\])*)"?|([^;]*)))?', re.DOTALL)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_C1_CONTROLS = range(0x80, 0xA0)
_OTHERWISE = {"koi8-u": {0xAE: "ў", 0xBE: "Ў"}, "windows-1255": {0xCA: "\N{HEBREW POINT HOLAM HASER FOR VAV}"}}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Characters of a body and the WHATWG name (lower case) of the encoding they were read with."""

    text: str
    encoding: str


def decode(body: bytes, content_type: str | None) -> Decoded:
    """``body`` as text: byte order mark, then Content-Type, then meta, then UTF-8 where valid, then any later meta.

    Bytes that mean nothing in the encoding become U+FFFD. Labels that browsers do not know are ignored. Never raises.
    """
    for encoding, bom in _BOMS.items():
        if body.startswith(bom):
            return Decoded(text_of(body, encoding), encoding)
    declared = header_encoding(content_type) or prescan(body)
    if declared is not None:
        return Decoded(text_of(body, declared), declared)
    try:
        return Decoded(body.decode(), UTF_8)
    except UnicodeDecodeError:
        encoding = late_meta(body) or FALLBACK
        return Decoded(text_of(body, encoding), encoding)


@lru_cache(maxsize=256)
def header_encoding(content_type: str | None) -> str | None:
    """WHATWG name of the encoding that the first charset parameter of a Content-Type stands for."""
    for name, quoted, bare in _PARAMETER.findall(content_type or ""):
        if name.strip().lower() == "charset":
            return encoding_of(re.sub(r"\\(.)", r"\1", quoted) or bare)
    return None


def text_of(body: bytes, encoding: str) -> str:
    """``body`` in the encoding of that WHATWG name, as ``decode`` reads it: without its byte order mark."""
    body = body.removeprefix(_BOMS.get(encoding, b""))
    if encoding == UTF_8:
        return body.decode("utf-8", "replace")
    if encoding == "replacement":
        return _REPLACEMENT if body else ""
    if (text := multi_byte.decode(body, encoding)) is not None:
        return text
    return codecs.charmap_decode(body, "replace", _single_byte_table(encoding))[0]


@lru_cache(maxsize=64)
def _single_byte_table(encoding: str) -> str:
    """The 256 characters of a single-byte encoding.

    Python leaves the bytes 0x80 to 0x9F undefined where the standard reads them as control characters.
    """
    otherwise = _OTHERWISE.get(encoding, {})
    info = webencodings.lookup(encoding).codec_info
    return "".join(
        otherwise.get(byte) or _character(byte, info.decode(bytes([byte]), "replace")[0]) for byte in range(256)
    )


def _character(byte: int, decoded: str) -> str:
    return chr(byte) if decoded == _REPLACEMENT and byte in _C1_CONTROLS else decoded
