"""Elements by the numbers that Lexbor gives their names: comparing those costs a third of comparing names."""

from typing import Final

from selectolax.lexbor import LexborHTMLParser

from tasks.model import Position


def ids(names: str, document: LexborHTMLParser | None = None) -> list[int]:
    """Those of elements that Lexbor does not know hold for one document: they are addresses in its memory."""
    document = document or LexborHTMLParser("")
    return [document.create_node(name).tag_id for name in names.split()]


def _text_id() -> int:
    body = LexborHTMLParser("text").body
    if body is None or body.first_child is None:
        raise AssertionError("a document of text has a body that holds it")
    return body.first_child.tag_id


TEXT: Final = _text_id()
(TEMPLATE,) = ids("template")
ROOTS: Final = frozenset(ids("html body"))
"""They are hidden so that nobody sees the page unstyled: a script shows them at once."""

LEVELS: Final = dict(zip(ids("h1 h2 h3 h4 h5 h6"), range(1, 7), strict=True))

_LANDMARK_NAMES: tuple[Position, ...] = ("nav", "header", "main", "aside", "footer")
LANDMARKS: Final[dict[int, Position]] = dict(zip(ids(" ".join(_LANDMARK_NAMES)), _LANDMARK_NAMES, strict=True))

BLOCKS: Final = ids(
    """
    address article blockquote body caption center dd details dir div dl dt fieldset figcaption figure hgroup
    hr html legend li listing menu ol optgroup option p plaintext pre search section select summary table tbody td
    textarea tfoot th thead tr ul xmp
    """
)
"""Elements that text does not run through: what stands before and after is not one word."""

NOT_RENDERED: Final = ids("style noframes noembed datalist desc annotation-xml rp param")
"""Elements that neither show their content nor say anything about the page."""

NOT_TEXT: Final = frozenset([*NOT_RENDERED, *ids("iframe script title")])
"""Elements whose text is none of the page's."""

NOT_RENDERED_UNKNOWN: Final = "annotation metadata"
"""The same of MathML and SVG, whose names Lexbor does not know."""
