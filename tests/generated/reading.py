"""What the bytes of a page say, read by selectolax."""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.generated.draft import ELSEWHERE, ORIGIN
from tests.generated.reply import Reply

BASE = "https://shop.example"
OTHER = "https://other.example"

_LINK = re.compile(r'<([^>]*)>; rel="([a-z]+)"(?:; hreflang="([^"]+)")?')
_LANDMARKS = frozenset({"nav", "header", "footer", "main", "aside"})


@dataclass(frozen=True)
class Link:
    url: str
    position: str
    nofollow: bool


@dataclass
class Facts:
    """What one page says."""

    title: str
    description: str
    h1: str
    robots: str
    canonical: str
    hreflang: dict[str, str]
    links: list[Link]
    images: list[str]
    text: str

    @property
    def noindex(self) -> bool:
        return "noindex" in self.robots

    @property
    def nofollow(self) -> bool:
        return "nofollow" in self.robots


def facts(reply: Reply) -> Facts:
    tree = LexborHTMLParser(with_hosts(reply.body))
    stated = [_LINK.match(with_hosts(value.encode())) for name, value in reply.headers if name == "Link"]
    canonical = [m[1] for m in stated if m and m[2] == "canonical"]
    canonical += [_attribute(node, "href") for node in tree.css("link[rel=canonical]")]
    alternates = {m[3]: m[1] for m in stated if m and m[2] == "alternate"}
    alternates |= {_attribute(n, "hreflang"): _attribute(n, "href") for n in tree.css("link[rel=alternate]")}
    main = tree.css_first("main")
    return Facts(
        title=_text(tree.css_first("title")),
        description=_attribute(tree.css_first("meta[name=description]"), "content"),
        h1=_text(tree.css_first("h1")),
        robots=_attribute(tree.css_first("meta[name=robots]"), "content"),
        canonical=canonical[0] if canonical else "",
        hreflang=alternates,
        links=[
            Link(resolved(_attribute(a, "href")), _position(a), "nofollow" in _attribute(a, "rel").lower().split())
            for a in tree.css("a[href]")
        ],
        images=[resolved(_attribute(image, "src")) for image in tree.css("img[src]")],
        text=" ".join(main.text(separator=" ").split()) if main else "",
    )


def with_hosts(text: bytes) -> str:
    return text.decode().replace(ORIGIN, BASE).replace(ELSEWHERE, OTHER)


def _attribute(node: LexborNode | None, name: str) -> str:
    return (node.attributes.get(name) or "") if node else ""


def _text(node: LexborNode | None) -> str:
    return " ".join(node.text().split()) if node else ""


def _position(node: LexborNode) -> str:
    above = node.parent
    while above is not None and above.tag not in _LANDMARKS:
        above = above.parent
    return above.tag if above is not None else "body"


def resolved(href: str) -> str:
    return (BASE + href if href.startswith("/") else href).partition("#")[0]


def same(one: str, other: str) -> bool:
    return _spelt(one) == _spelt(other)


def _spelt(url: str) -> str:
    return url.partition("#")[0].replace("%7E", "~")
