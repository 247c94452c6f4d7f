"""Which bodies are text."""

_TEXT_MIMES = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
    }
)
_SNIFFED_BYTES = 1024
# https://mimesniff.spec.whatwg.org/#binary-data-byte
_BINARY_BYTES = bytes((*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)))
_UTF16_MARKS = (b"\xfe\xff", b"\xff\xfe")


def is_textual(mime: str, body: bytes) -> bool:
    """Whether ``body`` is text by its media type, or by its first bytes where none is declared."""
    if mime:
        return mime.startswith("text/") or mime in _TEXT_MIMES or mime.endswith(("+xml", "+json"))
    head = body[:_SNIFFED_BYTES]
    return head.startswith(_UTF16_MARKS) or head == head.translate(None, _BINARY_BYTES)
