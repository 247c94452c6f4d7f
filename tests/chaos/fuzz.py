"""Coverage-guided fuzzing of what reads hostile bytes: `python -m tests.chaos.fuzz TARGET [libFuzzer's options]`."""

import sys

import atheris

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


TARGETS = {
    "extract": page,
    "charset": charset,
    "url": url,
    "robots": robots,
    "sitemap": sitemap,
    "structured": structured,
    "decode": encoded,
}

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
