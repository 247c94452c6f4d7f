"""One walk over the tree of a page.

The tree is built as by a browser that runs no scripts: the content of noscript is markup. It is walked, for crawlers
follow links in it, but it is not rendered: its text is not visible and its resources are not loaded. A template is
walked where it is the shadow root of the element around it: search engines read both as one.
"""

from typing import Final

from selectolax.lexbor import LexborHTMLParser

from tasks.extract import resources, shadow, tags
from tasks.extract.found import Found
from tasks.extract.walker import Enter, Walker

_BY_NAME: dict[str, Enter] = {
    "a": Walker.enter_anchor,
    "area": Walker.enter_area,
    "audio": resources.enter_audio,
    "base": Walker.enter_base,
    "br": Walker.enter_break,
    "button": resources.enter_button,
    "canvas": Walker.enter_fallback,
    "dialog": Walker.enter_dialog,
    "embed": resources.enter_embed,
    "form": resources.enter_form,
    "frame iframe": resources.enter_frame,
    "h1 h2 h3 h4 h5 h6": Walker.enter_heading,
    "head": Walker.enter_head,
    "img": Walker.enter_image,
    "input": resources.enter_input,
    "link": Walker.enter_link,
    "meta": Walker.enter_meta,
    "nav header main aside footer": Walker.enter_landmark,
    "noscript": Walker.enter_noscript,
    "object": resources.enter_object,
    "script": resources.enter_script,
    "source": resources.enter_source,
    "svg": Walker.enter_svg,
    "template": shadow.enter_template,
    "title": Walker.enter_title,
    "video": resources.enter_video,
}
_ENTER: Final[dict[int, Enter]] = {
    **dict.fromkeys(tags.BLOCKS, Walker.enter_block),
    **dict.fromkeys(tags.NOT_RENDERED, Walker.enter_ignored),
    **{tag: enter for names, enter in _BY_NAME.items() for tag in tags.ids(names)},
}


def walk(tree: LexborHTMLParser) -> Found:
    """Everything worth knowing that stands in ``tree``."""
    walker = Walker()
    if tree.root is not None:
        unknown = dict.fromkeys(tags.ids(tags.NOT_RENDERED_UNKNOWN, tree), Walker.enter_ignored)
        walker.run(tree.root, _ENTER | unknown)
    return walker.found
