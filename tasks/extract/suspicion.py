"""Which pages might be made to be slow: a look at the source that takes microseconds.

Lexbor's cost grows with the square of the nesting depth, of the attributes of one tag, and of the open formatting
elements that every further paragraph repeats. None of the three can exceed what is counted here, whatever the source
hides in comments, scripts or stray end tags.
"""

import re

_BODY = 2 * 1024 * 1024
_TAG_EXCESS = 1_000
"""Start tags without end tag, void elements not counted."""

_START_TAGS = 10_000
"""A tree is no deeper than it has start tags, and stray end tags cannot hide them."""

_GAP = 64 * 1024
_LONG_TAG = 4 * 1024
"""Bytes of a tag after which its attributes are counted."""

_FEW_START_TAGS = 1_500
_REPEATED_ELEMENTS = 1_000_000
_COPIES = 3
"""Open formatting elements of equal name and attributes that are repeated: https://html.spec.whatwg.org/#noah's-ark"""

_VOID = re.compile(rb"<(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|!)", re.IGNORECASE)
_FORMATTING = re.compile(
    rb"""<[bcefinstuBCEFINSTU]
         (?:[iI][gG]|[oO][dD][eE]|[mM]|[oO][nN][tT]|[oO][bB][rR]|[mM][aA][lL][lL]|[tT][rR][iI][kK][eE]|[tT][rR][oO][nN][gG]|[tT])?
         [\s/]
         [^>"']{0,4096}+(?:(?:"[^"]{0,4096}+"|'[^']{0,4096}+')[^>"']{0,4096}+){0,100}+(?P<end>>?)""",
    re.VERBOSE,
)
"""b, big, code, em, font, i, nobr, s, small, strike, strong, tt, u with attributes; written for speed."""

_ATTRIBUTES = rb"""
    (?:[\0-\x20/]*+[^\0-\x20/>][^\0-\x20/>=]*+
       (?:[\0-\x20]*+=[\0-\x20]*+(?:"[^"]*+"|'[^']*+'|[^\0-\x20"'>][^\0-\x20>]*+)?+)?+
    ){0,1000}+
    [\0-\x20/]*+>"""
"""Up to the end of the tag: https://html.spec.whatwg.org/#before-attribute-name-state."""

_REST_OF_TAG = re.compile(_ATTRIBUTES, re.VERBOSE)
_TAG = re.compile(rb"</?[a-z][^\0-\x20/>]*+" + _ATTRIBUTES, re.VERBOSE | re.IGNORECASE)
_TAG_START = re.compile(rb"</?[a-z]", re.IGNORECASE)
_BEFORE_A_VALUE = b"=" + bytes(range(0x21))


def is_suspicious(source: bytes) -> bool:
    """True where ``source`` must be parsed where it can be stopped."""
    if len(source) > _BODY:
        return True
    tags = source.count(b"<")
    return (tags > _TAG_EXCESS and _nests(source, tags)) or _has_long_tag(source)


def _nests(source: bytes, tags: int) -> bool:
    end_tags = source.count(b"</")
    start_tags = tags - end_tags
    if start_tags > _START_TAGS:
        return True
    excess = start_tags - end_tags
    if excess > _TAG_EXCESS and excess - sum(1 for _ in _VOID.finditer(source)) > _TAG_EXCESS:
        return True
    return start_tags > _FEW_START_TAGS and _repeats_formatting(source, start_tags)


def _repeats_formatting(source: bytes, start_tags: int) -> bool:
    distinct = {found[0] if found["end"] else found.start() for found in _FORMATTING.finditer(source)}
    return _COPIES * len(distinct) * start_tags > _REPEATED_ELEMENTS


def _has_long_tag(source: bytes) -> bool:
    """True for a tag of more attributes than anyone writes, or a stretch of more than 64 KiB without ``>``.

    A ``>`` that does not end its tag is in quotation marks: it may be so wherever they were opened last before it.
    """
    position = 0
    while position < len(source) - _LONG_TAG:
        last = source.rfind(b">", position, position + _LONG_TAG)
        if last < 0:
            last = source.find(b">", position)
            last = last if last >= 0 else len(source)
            if last - position > _GAP or _has_long_start(source, position, last - _LONG_TAG):
                return True
        if _may_go_on(b'"', source, last) or _may_go_on(b"'", source, last):
            return True
        position = last + 1
    return False


def _has_long_start(source: bytes, begin: int, end: int) -> bool:
    starts = (found.start() for found in _TAG_START.finditer(source, begin, max(begin, end)))
    return any(_TAG.match(source, start, start + _GAP) is None for start in starts)


def _may_go_on(quote: bytes, source: bytes, position: int) -> bool:
    """Whether ``position`` may be in a value between such marks, of a tag that goes on for long after it."""
    opening = source.rfind(quote, 0, position)
    if opening < 1 or source[opening - 1] not in _BEFORE_A_VALUE:
        return False
    closing = source.find(quote, position, position + _GAP)
    return closing >= 0 and _REST_OF_TAG.match(source, closing + 1, closing + 1 + _GAP) is None
