"""Declarative shadow roots: https://html.spec.whatwg.org/#attr-template-shadowrootmode.

Search engines flatten them into the page:
https://developers.google.com/search/docs/crawling-indexing/javascript/javascript-seo-basics#web-components
"""

from selectolax.lexbor import LexborNode

from tasks.extract.found import Attributes, keyword
from tasks.extract.names import names
from tasks.extract.walker import Leave, Walker, skip

_MODES = names("open closed")
_HOSTS = names("article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span")
"""Elements that may have a shadow root, beside custom ones: https://dom.spec.whatwg.org/#valid-shadow-host-name."""


def enter_template(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    """Only the shadow root of the element around it is part of the page."""
    if keyword(attributes, "shadowrootmode") not in _MODES:
        return skip
    host = (node.parent.tag if node.parent is not None else None) or ""
    return walker.enter_block(node, attributes) if host in _HOSTS or "-" in host else skip
