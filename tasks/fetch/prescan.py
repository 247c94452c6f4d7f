"""The encoding that a page declares in its first bytes, or further down.

https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
"""

import re
from itertools import islice

import webencodings

PRESCAN_BYTES = 1024
LATE_BYTES = 256 * 1024
LATE_METAS = 200

_SPACE = b"\t\n\f\r "
_SPACE_OR_SLASH = _SPACE + b"/"
_META = re.compile(rb"<meta[\t\n\f\r /]", re.IGNORECASE)
_TAG = re.compile(rb"</?[A-Za-z]")
_RAW_OR_META = re.compile(
    rb"<!--.*?(?:-->|\Z)"
    rb"|<(?P<raw>script|style|title|textarea|noscript)[\t\n\f\r />].*?(?:</(?P=raw)|\Z)"
    rb"|(?P<meta><meta[\t\n\f\r /][^<>]*+>)",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(
    rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\"'\t\n\f\r ;][^\t\n\f\r ;]*))",
    re.IGNORECASE,
)
_XML_ENCODING = re.compile(rb"<\?xml[^>]*?encoding[\0-\x20]*=[\0-\x20]*(?:\"([^\">]*)\"|'([^'>]*)')[^>]*>")
_XML_UTF16 = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}
_READ_AS = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}


class _OutOfBytes(Exception):
    """The first bytes end inside a construct; the standard then gives up on meta elements."""


def prescan(body: bytes) -> str | None:
    """WHATWG name of the encoding declared within the first 1,024 bytes; unknown labels do not count."""
    head = body[:PRESCAN_BYTES]
    if (utf16 := _XML_UTF16.get(head[:6])) is not None:
        return utf16
    try:
        found = _Scanner(head).meta_encoding()
    except _OutOfBytes:
        found = None
    return found or _xml_encoding(head)


def late_meta(body: bytes) -> str | None:
    """WHATWG name of the encoding that the first meta element to name one does, however late.

    Browsers come upon it as they parse what they took for something else, and begin anew:
    https://html.spec.whatwg.org/multipage/parsing.html#changing-the-encoding-while-parsing
    """
    metas = (found["meta"] for found in _RAW_OR_META.finditer(body, 0, LATE_BYTES) if found["meta"])
    return next(filter(None, map(prescan, islice(metas, LATE_METAS))), None)


def encoding_of(label: str) -> str | None:
    """WHATWG name that ``label`` stands for; None for what browsers do not know."""
    encoding = webencodings.lookup(label) if label.isascii() else None
    return encoding.name if encoding is not None else None


class _Scanner:
    def __init__(self, head: bytes) -> None:
        self._head = head
        self._at = 0

    def meta_encoding(self) -> str | None:
        """The first meta element that names a known encoding."""
        while (start := self._head.find(b"<", self._at)) >= 0:
            self._at = start
            found = self._markup()
            if found is not None:
                return _READ_AS.get(found, found)
        return None

    def _markup(self) -> str | None:
        """Passes the markup that starts here; its encoding if it is a meta element that names one."""
        head, start = self._head, self._at
        if head.startswith(b"<!--", start):
            self._at = start + 2  # so that <!--> is a whole comment
            self._skip_past(b"-->")
        elif match := _META.match(head, start):
            self._at = match.end() - 1
            return _meta_encoding(self._attributes())
        elif match := _TAG.match(head, start):
            self._at = match.end()
            self._take_until(_SPACE + b">")
            self._attributes()
        elif head[start + 1 : start + 2] in {b"!", b"/", b"?"}:
            self._skip_past(b">")
        else:
            self._at = start + 1
        return None

    def _attributes(self) -> dict[bytes, bytes]:
        """The first attribute of each name; stops at the end of the tag."""
        found: dict[bytes, bytes] = {}
        while True:
            self._skip(_SPACE_OR_SLASH)
            if self._peek() == b">":
                return found
            name, value = self._attribute()
            found.setdefault(name.lower(), value)

    def _attribute(self) -> tuple[bytes, bytes]:
        first = self._peek()  # an equals sign here belongs to the name
        self._at += 1
        name = first + self._take_until(_SPACE_OR_SLASH + b">=")
        self._skip(_SPACE)
        if self._peek() != b"=":
            return name, b""
        self._at += 1
        self._skip(_SPACE)
        quote = self._peek()
        if quote not in {b'"', b"'"}:
            return name, self._take_until(_SPACE + b">")
        self._at += 1
        value = self._take_until(quote)
        self._at += 1
        return name, value

    def _peek(self) -> bytes:
        if self._at >= len(self._head):
            raise _OutOfBytes
        return self._head[self._at : self._at + 1]

    def _skip(self, among: bytes) -> None:
        while self._peek() in among:
            self._at += 1

    def _skip_past(self, mark: bytes) -> None:
        end = self._head.find(mark, self._at)
        if end < 0:
            raise _OutOfBytes
        self._at = end + len(mark)

    def _take_until(self, among: bytes) -> bytes:
        start = self._at
        while self._peek() not in among:
            self._at += 1
        return self._head[start : self._at]


def _meta_encoding(attributes: dict[bytes, bytes]) -> str | None:
    if b"charset" in attributes:
        return encoding_of(attributes[b"charset"].decode("latin-1"))
    if attributes.get(b"http-equiv", b"").lower() == b"content-type":
        match = _CHARSET.search(attributes.get(b"content", b""))
        return _named(match)
    return None


def _xml_encoding(head: bytes) -> str | None:
    match = _XML_ENCODING.match(head)
    found = _named(match)
    return _READ_AS.get(found, found) if found is not None else None


def _named(match: re.Match[bytes] | None) -> str | None:
    if match is None:
        return None
    return encoding_of(next(group for group in match.groups() if group is not None).decode("latin-1"))
