"""What parsers of ours hate most, as large as it may come: none of it holds a chunk for more than six seconds."""

import time
import zlib

import pytest

from tasks.crawl.robots import RobotsPolicy
from tasks.crawl.sitemap import parse_sitemap
from tasks.extract import link_header, refresh, robots, srcset, text
from tasks.extract.page import extract
from tasks.extract.suspicion import is_suspicious
from tasks.fetch.charset import decode, header_encoding
from tasks.model import PageState, Response, ScannedPage, Verdict
from tasks.store.rows import frames

pytestmark = [pytest.mark.chaos, pytest.mark.beside]

MIB = 1024 * 1024
LARGEST = 15 * MIB
HEAD = 64 * 1024
ROBOTS = 500 * 1024
SECONDS = 6.0
"""Of processor time: a shared machine's clock says little about the code."""

SITEMAP = "http://tea.example/sitemap.xml"


def robots_file(body, path="/" + "a" * 8_000):
    return lambda: RobotsPolicy.parse(b"User-agent: *\n" + body[:ROBOTS]).allows("seo-scan", path)


def sitemap(body):
    return lambda: parse_sitemap(body[:LARGEST], SITEMAP)


def gzipped(body):
    return sitemap(zlib.compress(body, 1, wbits=31))


def repeated(unit, size=LARGEST):
    return unit * (size // len(unit))


def page(source):
    """A page as it becomes rows; the parser's helper has five seconds of its own for it."""
    answer = Response(url="http://tea.example/", status=200, text=source, body=source.encode())
    scanned = ScannedPage(page_id="1", url=answer.url, state=PageState.COMPLETED, reason=None, answer=answer,
                          page=extract(answer), verdict=Verdict())  # fmt: skip
    return frames("run", [scanned])


INPUTS = {
    "robots: wildcards": robots_file(b"".join(b"Disallow: /*%x*%x\n" % (n, n * 7) for n in range(25_000))),
    "robots: stars": robots_file(b"Disallow: /" + b"*a" * (ROBOTS // 2)),
    "robots: prefixes": robots_file(b"".join(b"Disallow: /%s\n" % (b"a" * n) for n in range(1_000))),
    "robots: agents and delays": robots_file(
        b"".join(b"User-agent: b%d\n" % n for n in range(15_000)) + b"Crawl-delay: 1\n" * 15_000
    ),
    "robots: lines of nothing": robots_file(b"a\n" * (ROBOTS // 2)),
    "sitemap: elements": sitemap(b"<urlset>" + repeated(b"<a/>")),
    "sitemap: entries": gzipped(b"<urlset>" + repeated(b"<url><loc>a</loc></url>", 50 * MIB)),
    "sitemap: faults": gzipped(b"<urlset xmlns='a'>" + repeated(b"<sitemap/>", 50 * MIB)),
    "sitemap: lines": gzipped(repeated(b"http://a/b\n", 50 * MIB)),
    "sitemap: one comment": sitemap(b"<!--" + repeated(b"-")),
    "sitemap: attributes": sitemap(b"<urlset " + b"".join(b"a%d='b' " % n for n in range(20_000))),
    "sitemap: alternates": sitemap(b"<urlset><url>" + repeated(b"<link rel='alternate' hreflang='a' href='b'/>")),
    "sitemap: gzip members": sitemap(repeated(zlib.compress(b"", 1, wbits=31))),
    "sitemap: gzip blocks of nothing": sitemap(
        zlib.compress(b"", 1, wbits=31)[:10] + repeated(b"\0\0\0\xff\xff", LARGEST - 20) + b"\xff"
    ),
    "sitemap: not UTF-8": sitemap(b"<urlset>" + repeated(b"\xff")),
    "charset: gb18030": lambda: decode(repeated(b"\xff"), "text/html; charset=gb18030"),
    "charset: iso-2022-jp": lambda: decode(repeated(b"\x1b$B!"), "text/html; charset=iso-2022-jp"),
    "charset: euc-jp": lambda: decode(repeated(b"\x8e\xa2"), "text/html; charset=euc-jp"),
    "charset: header": lambda: header_encoding("text/html" + '; charset="\\' * (HEAD // 12)),
    "link header: brackets": lambda: list(link_header.parse("<" * HEAD)),
    "link header: parameters": lambda: list(link_header.parse("<a>" + ';b="' * (HEAD // 4))),
    "link header: spaces": lambda: list(link_header.parse(("<a>" + " " * 200 + ",") * 300)),
    "robots header": lambda: robots.header("a:" * (LARGEST // 2)),
    "refresh": lambda: refresh.parse(" " * LARGEST, SITEMAP, str, "meta"),
    "srcset: brackets": lambda: srcset.addresses("a " + "()" * (LARGEST // 2)),
    "srcset: commas": lambda: srcset.addresses("," * LARGEST),
    "text: folding": lambda: text.fold(" a\u200b" * (LARGEST // 5)),
    "text: words": lambda: text.minhash(text.words("茶ß " * 250_000).tokens),
    "page: links": lambda: page("".join(f"<a href=/{n:x}>tea</a>" for n in range(120_000))),
    "page: long addresses": lambda: page(
        f"<base href='/{'a' * 9_900}/'>" + "".join(f"<a href={n:x}>tea</a>" for n in range(120_000))
    ),
    "suspicion: formatting": lambda: is_suspicious(repeated(b"<b a='", 2 * MIB)),
    "suspicion: quotes": lambda: is_suspicious(repeated(b"<b '\"", 2 * MIB)),
    "suspicion: values of start tags": lambda: is_suspicious(
        repeated(b"<p b='" + b"<a" * 30 + b"b" * 60_000 + b"'>", 2 * MIB)
    ),
    "suspicion: one tag": lambda: is_suspicious(b"<a " + repeated(b"b=c ", 2 * MIB - 100)),
}


def test_the_worst_is_read_in_time(record):
    took = {name: processor_time(work) for name, work in INPUTS.items()}
    name = max(took, key=took.get)
    record("worst-inputs", inputs=len(took), slowest=name, cpu_s=round(took[name], 2))
    assert {name: seconds for name, seconds in took.items() if seconds > SECONDS} == {}


def processor_time(work):
    began = time.process_time()
    work()
    return time.process_time() - began
