"""What a reader sees of a page: an author who writes for models alone hides it from people."""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tasks.extract.names import names
from tasks.extract.suspicion import is_suspicious

MAX_HIDING_SELECTORS = 200
_STYLE_CHARACTERS = 64 * 1024

# Zero width and soft hyphen, bidirectional controls, variation selectors, private use, tag characters. ZWJ and ZWNJ
# are spelling in Persian and Hindi, and of no use to hide words with.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")

_HIDING = re.compile(
    r"""display\s*:\s*none | visibility\s*:\s*(?:hidden|collapse) | content-visibility\s*:\s*hidden
      | opacity\s*:\s*(?:0(?:\.0+)?|\.0+)\s*(?:%|;|!|$)
      | font-size\s*:\s*(?:0(?:\.0+)?(?:[a-z]{1,4}|%)?|(?:0?\.\d+|1)px|0?\.[01]\d*r?em)\s*(?:;|!|$)
      | (?:text-indent|left|right|top|bottom|margin-left|margin-top)\s*:\s*-\d{3,}
      | (?<![a-z-])(?:width|height|max-width|max-height)\s*:\s*[01](?:px)?\s*(?:;|!|$)
      | clip(?:-path)?\s*:\s*(?:rect\(\s*0|rect\(\s*1px|inset\(\s*(?:50|100)%|circle\(\s*0)
      | transform\s*:\s*scale[xy]?\(\s*0\s*[,)]
      | (?<![a-z-])color\s*:\s*(?:transparent|rgba\([^)]{1,40},\s*0?(?:\.0+)?\s*\))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WHITE = r"(?:white|\#fff(?:fff)?|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))(?![0-9a-f])"
_BLACK = r"(?:black|\#000(?:000)?|rgb\(\s*0\s*,\s*0\s*,\s*0\s*\))(?![0-9a-f])"
_TEXT_COLOUR = {shade: re.compile(rf"(?<![a-z-])color\s*:\s*{shade}", re.IGNORECASE) for shade in (_WHITE, _BLACK)}
_GROUND_COLOUR = {
    shade: re.compile(rf"background(?:-color)?\s*:\s*{shade}", re.IGNORECASE) for shade in (_WHITE, _BLACK)
}
_SIMPLE_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?([.#])(-?[a-z_][a-z0-9_-]*)", re.IGNORECASE)

_NEVER_SHOWN = names(
    """
    script style template noscript noframes noembed head title meta link iframe object embed canvas audio video
    datalist param source track svg math textarea select input
    """
)
_RUN_THROUGH = names("a abbr b bdi bdo cite code em i kbd mark q s samp small span strong sub sup u var")


@dataclass(frozen=True, slots=True)
class Visible:
    """Visible text, white space folded; ``hidden`` counts the words that people do not see."""

    text: str
    hidden: int


def visible(source: str, limit: int) -> Visible | None:
    """At most ``limit`` characters of what people see of the page; None where it is made to be slow to read."""
    encoded = source.replace("\0", "").encode("utf-8", "replace")
    if is_suspicious(encoded):
        return None
    tree = LexborHTMLParser(encoded)
    shown: list[str] = []
    hidden: list[str] = []
    if tree.body is not None:
        _walk(tree.body, _hiding_names(tree), shown, hidden)
    return Visible(clean("".join(shown))[:limit], sum(len(piece.split()) for piece in hidden))


def clean(text: str) -> str:
    """``text`` on one line without characters that show nothing."""
    return " ".join(_CONTROL.sub(" ", _INVISIBLE.sub("", text)).split())


def _walk(body: LexborNode, hiding: frozenset[str], shown: list[str], hidden: list[str]) -> None:
    """Depth first without recursion: pages nest deeper than Python's stack."""
    stack: list[tuple[LexborNode | None, bool]] = [(body, _is_hidden(body, hiding))]
    while stack:
        node, under_hidden = stack.pop()
        if node is None:
            shown.append(" ")
            continue
        tag = node.tag
        if tag == "-text":
            (hidden if under_hidden else shown).append(node.text_content or "")
            continue
        if tag is None or tag.startswith(("-", "!")) or tag in _NEVER_SHOWN:
            continue
        if tag not in _RUN_THROUGH:
            shown.append(" ")
            stack.append((None, False))
        children: list[tuple[LexborNode | None, bool]] = []
        child = node.first_child
        while child is not None:
            is_text = child.tag == "-text"
            children.append((child, under_hidden or (not is_text and _is_hidden(child, hiding))))
            child = child.next
        stack.extend(reversed(children))


def _is_hidden(node: LexborNode, hiding: frozenset[str]) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    if style and hides(style):
        return True
    if not hiding:
        return False
    names = {f"#{attributes.get('id') or ''}", *(f".{name}" for name in (attributes.get("class") or "").split()[:50])}
    return not hiding.isdisjoint(names | {f"{node.tag}{name}" for name in names})


def hides(style: str) -> bool:
    """Whether declarations of CSS keep text from being seen."""
    style = style[:2000]
    if _HIDING.search(style):
        return True
    return any(_TEXT_COLOUR[shade].search(style) and _GROUND_COLOUR[shade].search(style) for shade in _TEXT_COLOUR)


def _hiding_names(tree: LexborHTMLParser) -> frozenset[str]:
    """Simple selectors (``.name``, ``#name``, ``p.name``) that the page's own styles hide."""
    found: set[str] = set()
    budget = _STYLE_CHARACTERS
    for style in tree.css("style"):
        text = (style.text() or "")[:budget]
        budget -= len(text)
        for rule in text.split("}"):
            before, _, declarations = rule.rpartition("{")
            if hides(declarations):
                selectors = before.rpartition("{")[2]
                names = (_SIMPLE_SELECTOR.fullmatch(selector.strip()) for selector in selectors[:2000].split(","))
                found.update(f"{(name[1] or '').lower()}{name[2]}{name[3]}" for name in names if name)
        if budget <= 0 or len(found) > MAX_HIDING_SELECTORS:
            break
    return frozenset(found)
