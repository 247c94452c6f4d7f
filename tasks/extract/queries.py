"""Queries of addresses on pages that are not in UTF-8: they go out in the encoding of the page."""

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

import webencodings

Encode = Callable[[str, str], tuple[bytes, int]]
"""Takes characters and what to do with those that the encoding lacks."""

_UNICODE = frozenset({"utf-8", "utf-16be", "utf-16le", "replacement"})
_WIDER = {"euc-kr": "cp949", "shift_jis": "cp932"}
"""Python's codecs that have all characters of an encoding; those of its name have fewer."""

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
    return codecs.lookup(wider).encode if wider else found.codec_info.encode


def encoded(href: str, encode: Encode) -> str:
    """``href`` with its query as ``encode`` has it; path and fragment stay as they are.

    What the encoding lacks becomes a character reference: https://url.spec.whatwg.org/#query-state
    """
    before, fragment_mark, fragment = href.partition("#")
    path, query_mark, query = before.partition("?")
    query = _NON_ASCII.sub(lambda found: quote(encode(found[0], "xmlcharrefreplace")[0], safe=_KEPT), query)
    return f"{path}{query_mark}{query}{fragment_mark}{fragment}"
