"""Sites that are made up while they are asked: a long chain, and traps without an end."""

import calendar
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.generated.reply import Reply, error, plain

CHAIN_PAGES = 1_000
FACETS = ("colour", "size", "origin", "grade")


def chain(path: str) -> Reply:
    """1,000 pages at /1 to /1000, each of which links to the next; / is the first."""
    number = int(path.strip("/") or 1) if path.strip("/").isdigit() or path == "/" else 0
    if not 1 <= number <= CHAIN_PAGES:
        return _special(path)
    return _page(f"Chapter {number}", [f"/{number + 1}"] if number < CHAIN_PAGES else [])


def calendar_for_ever(path: str) -> Reply:
    """A month a page at /events/YYYY/MM, with links to the months around and its days; ten real pages at /tea/N."""
    parts = path.strip("/").split("/")
    if parts[0] == "events" and len(parts) > 1 and all(part.isdigit() for part in parts[1:]):
        return _month(*map(int, parts[1:]))
    return _ten_pages(path, [f"/events/{datetime.now(UTC):%Y/%m}"])


def _month(year: int, month: int = 1, day: int = 0) -> Reply:
    if not 1 <= month <= 12 or not 1 <= year <= 9999 or day > calendar.monthrange(year, month)[1]:
        return error(404)
    index = year * 12 + month - 1
    around = [f"/events/{place // 12}/{place % 12 + 1:02}" for place in (index - 1, index + 1)]
    days = [] if day else [f"/events/{year}/{month:02}/{number:02}" for number in (1, 15)]
    return _page(f"Events of {year}-{month:02}-{day:02}", around + days)


def facets(path: str) -> Reply:
    """A list at /shop with links that change one of four filters of 30 values each; ten real pages."""
    address = urlsplit(path)
    if address.path != "/shop":
        return _ten_pages(path, ["/shop"])
    chosen = dict(parse_qsl(address.query))
    links = [
        f"/shop?{urlencode(chosen | {facet: (sum(map(ord, path)) + step) % 30})}" for facet in FACETS for step in (1, 7)
    ]
    return _page(f"Shop {address.query or 'all'}", links)


def deeper_and_deeper(path: str) -> Reply:
    """A relative link gone wrong: /tea/more/ links to more/, and so on; ten real pages."""
    if path.startswith("/tea/more/"):
        return _page(f"More of {path.count('/')}", ["more/", "/tea/1"])
    return _ten_pages(path, ["/tea/more/"])


def growing(path: str) -> Reply:
    """Two new pages behind each page, for ever, without any pattern in the addresses but their words."""
    if path in {"/robots.txt", "/sitemap.xml"}:
        return _special(path)
    return _page(
        f"Page {path}", [f"{path.rstrip('/')}-{word}" if path != "/" else f"/{word}" for word in ("left", "right")]
    )


ENDLESS = {"calendar": calendar_for_ever, "facets": facets, "deeper": deeper_and_deeper, "growing": growing}


def _ten_pages(path: str, beside: list[str]) -> Reply:
    real = [f"/tea/{number}" for number in range(1, 11)]
    if path == "/":
        return _page("Tea", real + beside)
    if path in real:
        return _page(f"Tea number {path.rpartition('/')[2]}", ["/", *beside])
    return _special(path)


def _special(path: str) -> Reply:
    return plain("User-agent: *\nDisallow:\n") if path == "/robots.txt" else error(404)


def _page(title: str, links: list[str]) -> Reply:
    anchors = "".join(f'<p><a href="{link.replace("&", "&amp;")}">{link.replace("&", " ")}</a></p>' for link in links)
    return Reply(
        body=f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><main>{anchors}</main>".encode()
    )
