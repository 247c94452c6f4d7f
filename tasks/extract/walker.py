"""What the walk over a page's tree does at each element."""

from collections.abc import Callable, Mapping, Sized
from functools import partial
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborNode

from tasks.extract import limits, tags
from tasks.extract.found import (
    Attributes,
    Found,
    FoundHeading,
    FoundImage,
    FoundLink,
    HeadElement,
    hides,
    keyword,
    written,
)
from tasks.extract.names import names
from tasks.extract.srcset import addresses
from tasks.extract.structured import short_type
from tasks.extract.text import fold
from tasks.model import HeadText, Position, ResourceKind, StructuredData

Leave = Callable[[], None]
"""What to do when the walk comes out of an element."""

Enter = Callable[["Walker", LexborNode, Attributes], Leave | None]

_PIECES = 500
_ALTS = 100
"""Text nodes and images read for one link or heading: nested ones must not cost the square of their number."""

_SPECIAL: Final = frozenset({"hidden", "popover", "style", "role", "aria-hidden", "itemscope", "typeof"})
"""Attributes that matter whatever the element."""

_NOT_MAIN: Final = frozenset({"nav", "header", "aside", "footer"})
_LANDMARK_ROLES: Final[dict[str, Position]] = {
    "navigation": "nav",
    "banner": "header",
    "main": "main",
    "complementary": "aside",
    "contentinfo": "footer",
}
_SCRIPTED: Final = names(
    """
    onclick onmousedown onmouseup ontouchstart ng-click data-ng-click ng-href ui-sref routerlink [routerlink]
    ng-reflect-router-link (click) @click @click.prevent v-on:click v-on:click.prevent x-on:click
    x-on:click.prevent wire:click hx-get hx-post data-hx-get phx-click jsaction data-href data-url data-link
    data-route
    """
)
"""Attributes that make a link work by script."""


def skip() -> None:
    """Returned in place of what to do on leaving: the children are not entered."""


class Walker:
    """Where the walk stands: inside how many hidden subtrees, landmarks, open links."""

    __slots__ = (
        "_alts", "_aria_hidden", "_cut_start", "_hidden", "_in_head", "_in_svg", "_not_main", "_open", "_positions",
        "_repeatable", "_unrendered", "found",
    )  # fmt: skip

    def __init__(self) -> None:
        self.found = Found()
        self._alts: list[tuple[int, str]] = []
        self._positions: list[Position] = ["body"]
        self._in_head = False
        self._in_svg = self._hidden = self._aria_hidden = self._unrendered = self._not_main = self._open = 0
        self._cut_start = 0
        self._repeatable = limits.REPEATED_TEXT

    def run(self, root: LexborNode, enter: Mapping[int, Enter]) -> None:  # noqa: C901, PLR0912 - the hot loop
        """Depth first without recursion: pages nest deeper than Python's stack."""
        add, entering = self.found.pieces.append, enter.get
        text, template, block, space = tags.TEXT, tags.TEMPLATE, Walker.enter_block, self._space
        stack: list[tuple[LexborNode, Leave | None]] = []
        node: LexborNode | None = root
        while node is not None:
            tag = node.tag_id
            if tag == text:
                if not self._hidden:
                    add(node.text_content or "")
            else:
                attributes = node.attributes
                on_enter = entering(tag)
                if on_enter is None:
                    leave = None
                elif on_enter is block:  # most elements: worth sparing the call, here and below
                    add(" ")
                    leave = space
                else:
                    leave = on_enter(self, node, attributes)
                if leave is not skip:
                    if attributes and not _SPECIAL.isdisjoint(attributes):
                        leave = self._enter_special(tag, attributes, leave)
                    child = node.first_child
                    if child is None and tag == template:
                        child = _content(node)
                    if child is not None and child.tag_id == text:  # of most elements the only one
                        if not self._hidden:
                            add(child.text_content or "")
                        child = child.next
                    if child is not None:
                        stack.append((node, leave))
                        node = child
                        continue
                    if leave is not None:
                        leave()
            node = node.next
            while node is None and stack:
                node, leave = stack.pop()
                if leave is space:
                    add(" ")
                elif leave is not None:
                    leave()
                node = node.next

    # attributes that matter on any element

    def _enter_special(self, tag: int, attributes: Attributes, leave: Leave | None) -> Leave | None:
        if "itemscope" in attributes:
            self._add_item("microdata", attributes.get("itemtype"))
        if "typeof" in attributes:
            self._add_item("rdfa", attributes.get("typeof"))
        hidden = tag not in tags.ROOTS and hides(attributes)
        aria_hidden = keyword(attributes, "aria-hidden") == "true"
        landmark = _LANDMARK_ROLES.get(keyword(attributes, "role").partition(" ")[0])
        if landmark is None and not hidden and not aria_hidden:
            return leave
        self._hidden += hidden
        self._aria_hidden += aria_hidden
        if landmark is not None:
            self._enter_landmark(landmark)
        return partial(self._leave_special, leave, landmark, hidden, aria_hidden)

    def _leave_special(self, leave: Leave | None, landmark: Position | None, hidden: int, aria_hidden: int) -> None:
        if landmark is not None:
            self._leave_landmark(landmark)
        self._hidden -= hidden
        self._aria_hidden -= aria_hidden
        if leave is not None:
            leave()

    def _enter_landmark(self, position: Position) -> None:
        self._positions.append(position)
        if position in _NOT_MAIN:
            if not self._not_main:
                self._cut_start = len(self.found.pieces)
            self._not_main += 1

    def _leave_landmark(self, position: Position) -> None:
        self._positions.pop()
        if position in _NOT_MAIN:
            self._not_main -= 1
            if not self._not_main:
                self.found.cuts.append((self._cut_start, len(self.found.pieces)))

    @property
    def reads_structured_data(self) -> bool:
        return not self._unrendered and self._has_room(self.found.structured_data, limits.STRUCTURED, "structured-data")

    def _has_room(self, kept: Sized, most: int, name: str) -> bool:
        if len(kept) < most:
            return True
        self.found.beyond.add(name)
        return False

    def _add_item(self, vocabulary: str, types: str | None) -> None:
        if self.reads_structured_data:
            names = tuple(short_type(name) for name in (types or "")[: limits.VALUE].split())
            item = StructuredData("rdfa" if vocabulary == "rdfa" else "microdata", names)
            self.found.structured_data.append(item)

    # structure

    def enter_block(self, _: LexborNode, __: Attributes) -> Leave:
        self.found.pieces.append(" ")
        return self._space

    def enter_break(self, _: LexborNode, __: Attributes) -> None:
        self.found.pieces.append(" ")

    def enter_ignored(self, _: LexborNode, __: Attributes) -> Leave:
        return skip

    def enter_fallback(self, _: LexborNode, __: Attributes) -> Leave:
        self._hidden += 1
        return self._leave_fallback

    def enter_dialog(self, node: LexborNode, attributes: Attributes) -> Leave:
        """Nobody sees it until a script opens it: https://html.spec.whatwg.org/#hidden-elements."""
        return self.enter_block(node, attributes) if "open" in attributes else self.enter_fallback(node, attributes)

    def enter_noscript(self, _: LexborNode, __: Attributes) -> Leave:
        self._hidden += 1
        self._unrendered += 1
        return self._leave_noscript

    def enter_svg(self, _: LexborNode, __: Attributes) -> Leave:
        self._in_svg += 1
        return self._leave_svg

    def enter_landmark(self, node: LexborNode, _: Attributes) -> Leave:
        position = tags.LANDMARKS[node.tag_id]
        self._space()
        self._enter_landmark(position)
        return partial(self._leave_landmark_element, position)

    def _space(self) -> None:
        self.found.pieces.append(" ")

    def _leave_fallback(self) -> None:
        self._hidden -= 1

    def _leave_noscript(self) -> None:
        self._hidden -= 1
        self._unrendered -= 1

    def _leave_svg(self) -> None:
        self._in_svg -= 1

    def _leave_landmark_element(self, position: Position) -> None:
        self._leave_landmark(position)
        self._space()

    # head

    def enter_head(self, _: LexborNode, __: Attributes) -> Leave:
        self._in_head = True
        return self._leave_head

    def _leave_head(self) -> None:
        self._in_head = False

    def enter_title(self, node: LexborNode, _: Attributes) -> Leave:
        if not self._in_svg and self._has_room(self.found.titles, limits.HEAD_ELEMENTS, "titles"):
            self.found.titles.append(HeadText(fold(node.text()), self._in_head))
        return skip

    def enter_meta(self, _: LexborNode, attributes: Attributes) -> None:
        if not self._unrendered and self._has_room(self.found.metas, limits.HEAD_ELEMENTS, "meta-elements"):
            self.found.metas.append(HeadElement(attributes, self._in_head))

    def enter_link(self, _: LexborNode, attributes: Attributes) -> None:
        if not self._unrendered and self._has_room(self.found.head_links, limits.HEAD_ELEMENTS, "link-elements"):
            self.found.head_links.append(HeadElement(attributes, self._in_head))

    def enter_base(self, _: LexborNode, attributes: Attributes) -> None:
        if self.found.base is None:
            self.found.base = written(attributes, "href")

    # links, headings and images

    def enter_anchor(self, node: LexborNode, attributes: Attributes) -> Leave | None:
        link = self._add_link(attributes)
        if link is None:
            return None
        text = _only_text(node)
        if text is not None and not (self._hidden or self._alts) and _SPECIAL.isdisjoint(attributes):
            self.found.pieces.append(text)  # most links: worth sparing the way through the stack
            link.text = fold(text, limits.LINK_TEXT)
            return skip
        if self._open or not (self._hidden or hides(attributes)):
            return self._open_text(link)
        link.text = _whole_text(node)
        self._open += 1
        return self._close_hidden

    def enter_area(self, _: LexborNode, attributes: Attributes) -> None:
        link = self._add_link(attributes)
        if link is not None:
            link.text = fold(attributes.get("alt") or "", limits.LINK_TEXT)

    def enter_heading(self, node: LexborNode, _: Attributes) -> Leave:
        self._space()
        if not self._has_room(self.found.headings, limits.HEADINGS, "headings"):
            return self._space
        heading = FoundHeading(tags.LEVELS[node.tag_id])
        self.found.headings.append(heading)
        return partial(self._leave_heading, self._open_text(heading))

    def enter_image(self, _: LexborNode, attributes: Attributes) -> None:
        self.add_resource("image", attributes.get("src"))
        self.add_srcset(attributes.get("srcset"))
        hidden = bool(self._hidden) or hides(attributes)
        if self._has_room(self.found.images, limits.IMAGES, "images"):
            needs_alt = not (hidden or self._aria_hidden or _is_decoration(attributes))
            self.found.images.append(FoundImage.read(attributes, needs_alt=needs_alt))
        alt = attributes.get("alt")
        if alt and self._open and not hidden:
            self._alts.append((len(self.found.pieces), alt[: limits.LINK_TEXT]))

    def _add_link(self, attributes: Attributes) -> FoundLink | None:
        """A link, unless there is neither an address nor a script: then it is a place to link to."""
        href = written(attributes, "href")
        if href is None and self._in_svg:
            href = written(attributes, "xlink:href")
        scripted = not _SCRIPTED.isdisjoint(attributes)
        if (href is None and not scripted) or not self._has_room(self.found.links, limits.LINKS, "links"):
            return None
        rel = keyword(attributes, "rel") if "rel" in attributes else ""
        role = keyword(attributes, "role") if "role" in attributes else ""
        link = FoundLink(href, None, "", rel, self._positions[-1], False, scripted, role)  # noqa: FBT003 - as Link
        self.found.links.append(link)
        return link

    def _open_text(self, target: FoundLink | FoundHeading) -> Leave:
        self._open += 1
        return partial(self._close_text, target, len(self.found.pieces), len(self._alts))

    def _close_text(self, target: FoundLink | FoundHeading, start: int, first_alt: int) -> None:
        self._open -= 1
        pieces = self.found.pieces[start : start + _PIECES]
        if self._alts:
            self._insert_alts(pieces, start, first_alt)
        limit = min(target.text_limit, self._repeatable) if self._open else target.text_limit
        target.text = fold(pieces[0] if len(pieces) == 1 else _join(pieces), limit)
        if self._open:
            self._repeatable -= len(target.text)

    def _insert_alts(self, pieces: list[str], start: int, first: int) -> None:
        for index, alt in reversed(self._alts[max(first, len(self._alts) - _ALTS) :]):
            pieces.insert(index - start, alt)
        if not self._open:
            self._alts.clear()

    def _close_hidden(self) -> None:
        self._open -= 1

    def _leave_heading(self, close: Leave) -> None:
        close()
        self._space()

    # resources

    def add_resource(self, kind: ResourceKind, address: str | None) -> None:
        if address and not self._unrendered and self._has_room(self.found.resources, limits.RESOURCES, "resources"):
            self.found.resources.append((kind, address[: limits.VALUE]))

    def add_srcset(self, srcset: str | None) -> None:
        if srcset:
            for address in addresses(srcset[: limits.VALUE]):
                self.add_resource("image", address)


def _content(template: LexborNode) -> LexborNode | None:
    """The first node in a template: none of them is part of the document's tree."""
    fragments = template.template_fragments()
    return fragments[0].first_child if fragments else None


def _join(pieces: list[str]) -> str:
    if sum(map(len, pieces)) <= limits.VALUE:
        return "".join(pieces)
    return "".join(piece[: limits.VALUE] for piece in pieces[:_ALTS])


def _only_text(node: LexborNode) -> str | None:
    """Text of an element that holds nothing else."""
    child = node.first_child
    return child.text_content if child is not None and child.tag_id == tags.TEXT and child.next is None else None


def _whole_text(node: LexborNode) -> str:
    """Text of a link that is not shown yet, as in a closed menu."""
    pieces = (child.text_content or "" for child in node.traverse(include_text=True) if _is_rendered_text(child))
    text = fold("".join(islice(pieces, _PIECES)), limits.LINK_TEXT)
    return text or fold(" ".join(image.attributes.get("alt") or "" for image in node.css("img")), limits.LINK_TEXT)


def _is_rendered_text(node: LexborNode) -> bool:
    return node.tag_id == tags.TEXT and node.parent is not None and node.parent.tag_id not in tags.NOT_TEXT


def _is_decoration(attributes: Attributes) -> bool:
    """Marked as presentation or hidden from assistive tools, or a tracking pixel."""
    if keyword(attributes, "role") in {"presentation", "none"} or keyword(attributes, "aria-hidden") == "true":
        return True
    return _is_pixel(attributes.get("width")) and _is_pixel(attributes.get("height"))


def _is_pixel(length: str | None) -> bool:
    return length is not None and length.strip().removesuffix("px") in {"0", "1"}
