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
"""Characters without ``<`` after which a tag's attributes are looked at."""

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

_HARMLESS = re.compile(
    rb"""</[a-z][a-z0-9-]*\s*>
      | <!
      | <[^a-z/!?]
      | <[a-z][a-z0-9:-]*+
        (?:\s++[a-z_:@][a-z0-9_:.@-]*+(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++))?+){0,100}+
        \s*+/?>""",
    re.VERBOSE | re.IGNORECASE,
)
"""A whole tag of few attributes, whatever text follows."""


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
    """True for a tag of more attributes than anyone writes, or a stretch of more than 64 KiB without a tag."""
    position = source.find(b"<")
    while 0 <= position < len(source) - _LONG_TAG:
        last = source.rfind(b"<", position + 1, position + _LONG_TAG)
        if last < 0:
            last = source.find(b"<", position + 1)
            gap = (last if last >= 0 else len(source)) - position
            if gap > _GAP or (gap > _LONG_TAG and _HARMLESS.match(source, position) is None):
                return True
            if last < 0:
                return False
        position = last
    return False
