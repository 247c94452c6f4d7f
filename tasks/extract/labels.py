"""Which encoding a page declares, and whether its bytes keep the promise.

https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding
"""

import codecs
import re
from email.message import Message
from functools import lru_cache

import webencodings

_PRESCAN = 1024
_HEADER = 1024
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)")
_ATTRIBUTE = re.compile(rb"""([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_IN_CONTENT = re.compile(r"""charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))""")
_XML = re.compile(rb"""<\?xml[^>]*?encoding[\0-\x20]*=[\0-\x20]*(?:"([^">]*)"|'([^'>]*)')[^>]*>""")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))
_REPLACEMENT = "\ufffd"


@lru_cache(maxsize=64)
def from_header(content_type: str | None) -> str | None:
    if content_type is None or "charset" not in content_type.lower():
        return None
    message = Message()
    message["content-type"] = "".join(char for char in content_type[:_HEADER] if char.isprintable())
    label = message.get_param("charset")
    return label.strip().lower() or None if isinstance(label, str) else None


def from_bom(body: bytes) -> str | None:
    return next((label for bom, label in _BOMS if body.startswith(bom)), None)


def from_meta(body: bytes) -> str | None:
    """The label a meta element declares within the first 1,024 bytes."""
    start = body[:_PRESCAN].lower()
    if b"charset" not in start:
        return None
    for found in _META.finditer(_COMMENT.sub(b"", start)):
        label = _meta_label(found[1])
        if label:
            return label.strip()
    return None


def from_xml(body: bytes) -> str | None:
    """The label of an XML declaration, which counts in HTML, too, where no meta element has one."""
    found = _XML.match(body, 0, _PRESCAN)
    return (found[1] or found[2] or b"").decode("ascii", "replace").strip().lower() if found else None


def _meta_label(source: bytes) -> str | None:
    attributes = {
        found[1]: (found[2] or found[3] or found[4] or b"").decode("ascii", "replace")
        for found in _ATTRIBUTE.finditer(source)
    }
    if b"charset" in attributes:
        return attributes[b"charset"]
    if attributes.get(b"http-equiv") != "content-type":
        return None
    found = _IN_CONTENT.search(attributes.get(b"content", ""))
    return (found[1] or found[2] or found[3]) if found else None


def has_errors(text: str, body: bytes, encoding: str | None) -> bool:
    """True where decoding ``body`` put replacement characters into ``text`` that it does not hold itself."""
    replaced = text.count(_REPLACEMENT)
    if not replaced:
        return False
    known = webencodings.lookup(encoding or "utf-8")
    # by the codec itself: Python knows none by the names of replacement and x-user-defined
    own = known.codec_info.encode(_REPLACEMENT, "ignore")[0] if known else b""
    return not own or replaced != body.count(own)
