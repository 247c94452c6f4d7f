"""Queries of addresses on pages that are not in UTF-8: they go out in the encoding of the page."""

import codecs
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from urllib.parse import quote

import webencodings

Encode = Callable[[str], bytes]
"""Characters that an encoding lacks become references to them."""

_Codec = Callable[[str, str], tuple[bytes, int]]

_UNICODE = frozenset({"utf-8", "utf-16be", "utf-16le", "replacement"})
_WIDER = {"euc-kr": "cp949", "shift_jis": "cp932"}
"""Python's codecs that have all characters of an encoding; those of its name have fewer."""

_JIS = str.maketrans("～∥－￠￡￢", "〜‖−¢£¬")
_OTHERWISE = {"big5": str.maketrans("‧﹑¯～⊕⊙￥￠￡", "•､‾∼♁☉¥¢£"), "euc-jp": _JIS, "iso-2022-jp": _JIS}
"""What Python's codecs write with the code that the Encoding standard has for another character."""

_NEC = (
    "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ "
    "㍉㌔㌢㍍㌘㌧㌃㌶㍑㍗㌍㌦㌣㌫㍊㌻㎜㎝㎞㎎㎏㏄㎡        ㍻〝〟№㏍℡㊤㊥㊦㊧㊨㈱㈲㈹㍾㍽㍼"
)
"""Row 13, which JIS X 0208 itself leaves empty."""
_BEYOND = {
    "big5": {"€": b"\xa3\xe1"},
    "euc-jp": {it: bytes([0xAD, 0xA1 + cell]) for cell, it in enumerate(_NEC) if it != " "},
    "gbk": {"€": b"\x80"},
}
"""Codes of the Encoding standard that Python's codecs lack: https://encoding.spec.whatwg.org/#legacy-multi-byte"""

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_KEPT = "!$%()*+,-./:=?@[\\]^_`{|}~"
"""ASCII characters that may stand for others in an encoding and need no escape in a query."""


@lru_cache(maxsize=64)
def encoder(encoding: str | None) -> Encode | None:
    """What queries on a page in ``encoding`` are encoded with; None where that is UTF-8."""
    found = webencodings.lookup(encoding or "utf-8")
    if found is None or found.name in _UNICODE:
        return None
    wider = _WIDER.get(found.name)
    codec = codecs.lookup(wider) if wider else found.codec_info
    return partial(_encode, codec.encode, _OTHERWISE.get(found.name, {}), _BEYOND.get(found.name, {}))


def _encode(codec: _Codec, otherwise: Mapping[int, int], beyond: Mapping[str, bytes], text: str) -> bytes:
    if beyond.keys().isdisjoint(text):
        return codec(text.translate(otherwise), "xmlcharrefreplace")[0]
    return b"".join(beyond.get(it) or codec(it.translate(otherwise), "xmlcharrefreplace")[0] for it in text)


def encoded(href: str, encode: Encode) -> str:
    """``href`` with its query as ``encode`` has it; path and fragment stay as they are.

    What the encoding lacks becomes a character reference: https://url.spec.whatwg.org/#query-state
    """
    before, fragment_mark, fragment = href.partition("#")
    path, query_mark, query = before.partition("?")
    query = _NON_ASCII.sub(lambda found: quote(encode(found[0]), safe=_KEPT), query)
    return f"{path}{query_mark}{query}{fragment_mark}{fragment}"
