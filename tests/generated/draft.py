"""A page while the site is planned, and its HTML."""

from dataclasses import dataclass, field
from html import escape

from tests.generated.reply import Reply

ORIGIN = "{{origin}}"
ELSEWHERE = "{{elsewhere}}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link; ``target`` is a path of the site, or an address with its host."""

    target: str
    text: str
    rel: str = ""
    position: str = "main"

    @property
    def path(self) -> str:
        return self.target.partition("#")[0]

    @property
    def internal(self) -> bool:
        return self.target.startswith("/")

    @property
    def nofollow(self) -> bool:
        return "nofollow" in self.rel.lower().split()


@dataclass(slots=True)
class Draft:
    """A page with status 200.

    Attributes:
        canonical: path or address; empty for none. Its own path at first.
        robots: content of the robots meta element; empty for none.
        hreflang: (language, path or address).
        by_header: canonical and hreflang are sent as Link headers.
        listed: named in a sitemap.
    """

    path: str
    title: str
    description: str
    h1: str
    paragraphs: list[str]
    canonical: str = ""
    robots: str = ""
    lang: str = "en"
    hreflang: list[tuple[str, str]] = field(default_factory=list)
    by_header: bool = False
    anchors: list[Anchor] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    listed: bool = True

    @property
    def noindex(self) -> bool:
        return "noindex" in self.robots

    @property
    def nofollow(self) -> bool:
        return "nofollow" in self.robots

    def reply(self) -> Reply:
        links = tuple(("Link", line) for line in self._link_lines()) if self.by_header else ()
        return Reply(headers=links, body=self._html().encode())

    def _link_lines(self) -> list[str]:
        lines = [f'<{absolute(self.canonical)}>; rel="canonical"'] if self.canonical else []
        return lines + [f'<{absolute(url)}>; rel="alternate"; hreflang="{lang}"' for lang, url in self.hreflang]

    def _head(self) -> str:
        lines = [f"<title>{escape(self.title)}</title>"] if self.title else []
        if self.description:
            lines.append(f'<meta name="description" content="{escape(self.description)}">')
        if self.robots:
            lines.append(f'<meta name="robots" content="{self.robots}">')
        if not self.by_header:
            if self.canonical:
                lines.append(f'<link rel="canonical" href="{escape(absolute(self.canonical))}">')
            lines += [
                f'<link rel="alternate" hreflang="{lang}" href="{escape(absolute(url))}">'
                for lang, url in self.hreflang
            ]
        return "\n".join(lines)

    def _html(self) -> str:
        return f"""<!doctype html>
<html lang="{self.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{self._head()}
</head>
<body>
<header>
<nav>{self._links("nav")}</nav>
{f"<h1>{escape(self.h1)}</h1>" if self.h1 else ""}
</header>
<main>
{"".join(f"<p>{escape(text)}</p>" for text in self.paragraphs)}
{"".join(f'<img src="{escape(src)}" alt="A cup" width="40" height="30">' for src in self.images)}
{self._links("main")}
</main>
<aside>{self._links("aside")}</aside>
<footer><p>Since 1887.</p>{self._links("footer")}</footer>
</body>
</html>
"""

    def _links(self, position: str) -> str:
        lines = [
            f'<li><a href="{escape(anchor.target)}"{f" rel={chr(34)}{anchor.rel}{chr(34)}" if anchor.rel else ""}>'
            f"{escape(anchor.text)}</a></li>"
            for anchor in self.anchors
            if anchor.position == position
        ]
        return f"<ul>{''.join(lines)}</ul>" if lines else ""


def absolute(target: str) -> str:
    """``target`` with the site's host where it is a path."""
    return ORIGIN + target if target.startswith("/") else target
