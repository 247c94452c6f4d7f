"""Encodings with several bytes to a character: Python's codecs, and what they lack of the Encoding standard."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAX_MENDED = 10_000
"""Codes of one body that are looked up here: each costs some microseconds, and hostile bodies have nothing else."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_NON_ASCII = 0x80
_ROWS = range(94)

Reader = Callable[[bytes], str | None]
"""The character of a code that Python's codec does not know; None where the standard knows none either."""


def decode(body: bytes, encoding: str) -> str | None:
    """``body`` in ``encoding``, by its WHATWG name; None where that has one byte to a character."""
    codec = _CODECS.get(encoding)
    return codec.decode(body) if codec is not None else None


def _nothing(_: bytes) -> None:
    return None


@dataclass(slots=True)
class _Codec:
    """Python's ``name`` and what the standard has beyond it.

    Attributes:
        read: for unknown codes, of ``width`` bytes.
        leads: first bytes that take another one with them where a code means nothing, or the rest would be out of step.
        otherwise: the standard's characters for those that Python makes of the same bytes.
    """

    name: str
    read: Reader = _nothing
    width: int = 2
    leads: range = range(0x81, 0xFF)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    _left: int = 0

    def __post_init__(self) -> None:
        codecs.register_error(f"seo-scan-{self.name}", self._mend)

    def decode(self, body: bytes) -> str:
        self._left = MAX_MENDED
        text = body.decode(self.name, f"seo-scan-{self.name}")
        for theirs, standard in self.otherwise.items():
            text = text.replace(theirs, standard)
        return text

    def _mend(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        self._left -= 1
        if self._left < 0:
            return error.object[error.start :].decode(self.name, "replace"), len(error.object)
        code = error.object[error.start : error.start + 2]
        character = self.read(code[: self.width]) if len(code) >= self.width else None
        if character is not None:
            return character, error.start + self.width
        is_whole = code[0] in self.leads and code[-1] >= _NON_ASCII
        return _REPLACEMENT, error.start + len(code) if is_whole else error.end


def _jis(first: int) -> Reader:
    """Reads JIS X 0208, both bytes from ``first`` on, as Shift_JIS, whose codec has the rows of NEC and IBM."""

    def read(code: bytes) -> str | None:
        row, cell = code[0] - first, code[1] - first
        if row not in _ROWS or cell not in _ROWS:
            return None
        lead, trail = divmod(94 * row + cell, 188)
        lead += 0x81 if lead < 0x1F else 0xC1  # noqa: PLR2004 - below are the codes of half-width characters
        trail += 0x40 if trail < 0x3F else 0x41  # noqa: PLR2004 - 7F is left out
        try:
            return bytes([lead, trail]).decode("cp932")
        except UnicodeDecodeError:
            return None

    return read


_BIG5 = {"a3e1": "€", "c6cf": "廴", "c6d3": "无", "c6d5": "癶", "c6d7": "隶", "c6de": "〃", "c6df": "仝"}
_BIG5_OTHERWISE = dict(zip("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡", strict=True))
_JIS_OTHERWISE = dict(zip("〜‖−¢£¬", "～∥－￠￡￢", strict=True))
_GB = _Codec("gb18030", {b"\x80": "€"}.get, width=1, otherwise={"\ue5e5": "\N{IDEOGRAPHIC SPACE}", "\ue7c7": "ḿ"})
_CODECS = {
    "big5": _Codec("big5hkscs", {bytes.fromhex(code): it for code, it in _BIG5.items()}.get, otherwise=_BIG5_OTHERWISE),
    "euc-jp": _Codec("euc_jp", _jis(0xA1), leads=range(0x8E, 0xFF), otherwise=_JIS_OTHERWISE),
    "euc-kr": _Codec("cp949"),
    "gb18030": _GB,
    "gbk": _GB,
    "iso-2022-jp": _Codec("iso2022_jp_ext", _jis(0x21), leads=range(0), otherwise=_JIS_OTHERWISE),
    "shift_jis": _Codec("cp932", otherwise=dict.fromkeys("\uf8f0\uf8f1\uf8f2\uf8f3", _REPLACEMENT)),
    "utf-16be": _Codec("utf-16-be", leads=range(0)),
    "utf-16le": _Codec("utf-16-le", leads=range(0)),
}
