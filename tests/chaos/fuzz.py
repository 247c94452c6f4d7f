"""Coverage-guided fuzzing of what reads hostile bytes: `python -m tests.chaos.fuzz TARGET [libFuzzer's options]`.

It begins with pages of tests/pages and with what it found before, which it keeps in a folder for temporary files.
"""

import gzip
import json
import sys
import tempfile
import zlib
from pathlib import Path

import atheris
import brotli
import zstandard

with atheris.instrument_imports(include=["tasks"]):
    from tasks.crawl.robots import RobotsPolicy
    from tasks.crawl.sitemap import parse_sitemap
    from tasks.errors import BadUrl
    from tasks.extract.page import extract
    from tasks.fetch.charset import decode
    from tasks.fetch.decode import Body
    from tasks.fetch.failures import FetchError
    from tasks.model import Response
    from tasks.urls import parse, resolve

URL = "https://shop.example/a/"


def page(data):
    kind, _, body = data.partition(b"\n")
    content_type = kind.decode("latin-1")
    decoded = decode(body, content_type)
    headers = (("content-type", content_type), ("link", content_type), ("x-robots-tag", content_type))
    extract(Response(url=URL, status=200, headers=headers, body=body, text=decoded.text, encoding=decoded.encoding))


def charset(data):
    kind, _, body = data.partition(b"\n")
    decode(body, kind.decode("latin-1"))


def url(data):
    text = data.decode("utf-8", "replace")
    resolve(URL, text)
    try:
        parse(text)
    except BadUrl:
        return


def robots(data):
    path, _, body = data.partition(b"\n")
    policy = RobotsPolicy.parse(body)
    policy.allows("seo-scan", path.decode("utf-8", "replace"))
    policy.crawl_delay("seo-scan")


def sitemap(data):
    parse_sitemap(data, URL)


def structured(data):
    page(b"text/html; charset=utf-8\n<script type=application/ld+json>" + data + b"</script>")


def encoded(data):
    name, _, wire = data.partition(b"\n")
    try:
        body = Body(name.decode("latin-1"), 1_000_000)
        body.feed(wire)
        body.finish()
    except FetchError:
        return


PAGES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "pages").glob("*/*.html"))]
TYPES = (b"text/html; charset=utf-8", b"text/html; charset=windows-1252", b"text/html")
LINES = b"User-agent: *\nUser-agent: seo-scan\nDisallow: /*.pdf$\nAllow: /a\nCrawl-delay: 2\nSitemap: https://shop.example/s\n"
SET = b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">%b</urlset>'
ENTRY = b"<url><loc>https://shop.example/a</loc><lastmod>2026-11-30T12:00:00+01:00</lastmod></url>"
PRODUCT = {"@context": "https://schema.org", "@graph": [{"@type": ["Product"], "offers": {"@id": "#o", "price": 1e3}}]}
PACKED = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstandard.compress,
    b"br, gzip": lambda text: gzip.compress(brotli.compress(text)),
}

TARGETS = {
    "extract": (page, [TYPES[n % 3] + b"\n" + text for n, text in enumerate(PAGES)]),
    "charset": (charset, [TYPES[n % 3] + b"\n" + text[:2000] for n, text in enumerate(PAGES)]),
    "url": (url, [b"../b?x=1#y", b"//host:80/%zz", b"http://[::1]/", "пример.рф".encode(), b"mailto:a@b.example"]),
    "robots": (robots, [b"/a/b.pdf\n" + LINES, b"/\n\xef\xbb\xbf" + LINES.replace(b"\n", b"\r")]),
    "sitemap": (sitemap, [SET % ENTRY, SET % (ENTRY * 2), b"https://shop.example/a\nhttps://shop.example/b\n"]),
    "structured": (structured, [json.dumps(PRODUCT).encode(), b"/* x */ [{'a': 1,},]", b"<!--\n{}\n//-->"]),
    "decode": (encoded, [name + b"\n" + pack(b"page" * 99) for name, pack in PACKED.items()]),
}


def corpus(name, seeds):
    """The folder of what was found, with ``seeds``."""
    folder = Path(tempfile.gettempdir(), "seo-scan-fuzz", name)
    folder.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(seeds):
        (folder / f"seed-{n}").write_bytes(seed)
    return str(folder)


if __name__ == "__main__":
    name = sys.argv.pop(1)
    target, seeds = TARGETS[name]
    atheris.Setup([sys.argv[0], "-timeout=6", *sys.argv[1:], corpus(name, seeds)], target)
    atheris.Fuzz()
