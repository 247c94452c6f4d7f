"""Meta elements by name."""

from collections.abc import Iterable, Iterator, Sequence

from tasks.extract import limits, refresh, robots
from tasks.extract.addresses import Addresses
from tasks.extract.found import HeadElement, keyword
from tasks.extract.text import fold
from tasks.model import HeadText, MetaRefresh, Robots


class Metas:
    """The meta elements of a page, in document order."""

    def __init__(self, elements: Sequence[HeadElement]) -> None:
        self._named = [(keyword(element.attributes, "name"), element) for element in elements]
        self._elements = elements

    def texts(self, name: str) -> tuple[HeadText, ...]:
        return tuple(HeadText(fold(_content(element)), element.in_head) for key, element in self._named if key == name)

    def first(self, name: str) -> str | None:
        return next((fold(_content(element)) for key, element in self._named if key == name), None)

    def viewport(self) -> str | None:
        """The last one: a browser has each replace the one before."""
        stated = (it for key, it in reversed(self._named) if key == "viewport" and "content" in it.attributes)
        return next((fold(_content(element)) for element in stated), None)

    def robots(self) -> Iterator[Robots]:
        for name, element in self._named:
            if name in robots.AGENTS:
                yield robots.meta(name, _content(element), in_head=element.in_head)

    def properties(self, prefixes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Name and content of those whose property, or name in its place, begins with one of ``prefixes``."""
        return tuple(_properties(self._named, prefixes))

    def refresh(self, page_url: str, addresses: Addresses) -> MetaRefresh | None:
        """The first refresh that a browser obeys."""
        for element in self._elements:
            if keyword(element.attributes, "http-equiv") == "refresh":
                found = refresh.parse(_content(element), page_url, addresses.resolve, "meta")
                if found is not None:
                    return found
        return None


def _properties(named: Iterable[tuple[str, HeadElement]], prefixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, element in named:
        key = keyword(element.attributes, "property") or name
        if key.startswith(prefixes):
            yield key, fold(_content(element))


def _content(element: HeadElement) -> str:
    return (element.attributes.get("content") or "")[: limits.VALUE]
