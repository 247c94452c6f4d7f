"""Sitemap files as found: every kind, every encoding, broken, enormous."""

import gzip
import tracemalloc
import zlib
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl import sitemap_xml
from tasks.crawl.sitemap import MAX_URLS, Child, Entry, parse_sitemap
from tasks.crawl.sitemap_text import MAX_BYTES

URL = "https://site.example/sitemap.xml"
A, B, C = "https://site.example/a", "https://site.example/b?x=1&y=2", "https://other.example/c"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
OPEN = f"<urlset {NS}>"
NO_ADDRESS = "not an absolute http or https address"


def parse(text):
    return parse_sitemap(text if isinstance(text, bytes) else text.encode(), URL)


def urlset(*urls, start=f'<?xml version="1.0" encoding="UTF-8"?>\n{OPEN}'):
    return start + "".join(f"<url>\n <loc>\n{escape(url)} </loc></url>\n" for url in urls) + "</urlset>"


def locs(sitemap):
    return [entry.loc for entry in sitemap.entries]


def test_a_urlset_with_all_its_extensions():
    found = parse(f"""<?xml version="1.0" encoding="UTF-8"?>
<urlset {NS} xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"
 xmlns:video="http://www.google.com/schemas/sitemap-video/1.1" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
 <url><image:image><image:loc>https://cdn.example/1.png</image:loc></image:image>
  <loc>{A}</loc><lastmod> 2024-05-06T07:08:09+00:00 </lastmod><changefreq>daily</changefreq><priority>0.5</priority>
  <xhtml:link rel="alternate" hreflang="de" href="https://site.example/de/a"/>
  <xhtml:link href="https://site.example/a" hreflang="x-default" rel="alternate"></xhtml:link>
  <xhtml:link rel="alternate" media="only screen" href="https://m.site.example/a"/>
  <video:video><video:content_loc>https://cdn.example/v.mp4</video:content_loc></video:video></url>
 <url><loc><![CDATA[{B}]]></loc><news:news><news:title>x</news:title><loc>https://no.example/</loc></news:news></url>
 <url><loc>{C}</loc><image:loc>https://no.example/</image:loc><lastmod/></url>
</urlset>""")
    assert found.kind == "urlset"
    assert found.errors == ()
    assert found.children == ()
    assert found.entries == (
        Entry(A, "2024-05-06T07:08:09+00:00", (("de", "https://site.example/de/a"), ("x-default", A))),
        Entry(B),
        Entry(C),
    )


def test_an_index():
    found = parse(f"""<sitemapindex {NS}><sitemap><loc>{A}.xml.gz</loc><lastmod>2024-01-01</lastmod></sitemap>
<sitemap><loc>/relative.xml</loc></sitemap><sitemap><loc>{C}</loc></sitemap></sitemapindex>""")
    assert (found.kind, found.entries) == ("sitemapindex", ())
    assert found.children == (Child(f"{A}.xml.gz", "2024-01-01"), Child(C))
    assert found.errors == (f"line 2: {NO_ADDRESS}: /relative.xml",)


def test_an_index_that_lists_pages_and_itself():
    found = parse(f"<sitemapindex {NS}><url><loc>{A}</loc></url><sitemap><loc>{URL}#x</loc></sitemap></sitemapindex>")
    assert (locs(found), found.children) == ([A], ())
    assert found.errors == ("line 1: url in a sitemapindex", "line 1: names this file itself")


def test_rss():
    found = parse(f"""<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<link>https://no.example/</link><atom:link rel="alternate" href="https://no.example/"/><image><link>https://no.example/</link></image>
<item><title>T</title><atom:link href="https://no.example/"/><link> {escape(B)} </link>
<pubDate>Mon, 06 May 2024</pubDate></item>
<item><link><![CDATA[{A}]]></link></item></channel></rss>""")
    assert (found.kind, found.entries, found.errors) == ("rss", (Entry(B, "Mon, 06 May 2024"), Entry(A)), ())


def test_atom():
    found = parse(f"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://no.example/"/><entry>
<link rel="self" href="https://no.example/"/><link href="{A}"/><link rel="alternate" href="https://no.example/"/>
<updated>2024-05-06T00:00:00Z</updated><content><loc>x</loc></content></entry></feed>""")
    assert (found.kind, found.entries, found.errors) == ("atom", (Entry(A, "2024-05-06T00:00:00Z"),), ())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n  "])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n \t"])
def test_a_plain_list(start, end):
    found = parse(start + end.join([A, f" {B}\t", C]) + end)
    assert (found.kind, locs(found), found.errors) == ("text", [A, B, C], ())


def test_a_plain_list_with_other_lines():
    found = parse(f"{A}\nNot found\n\nftp://site.example/\n{B}")
    assert locs(found) == [A, B]
    assert found.errors == (f"line 2: {NO_ADDRESS}: Not found", f"line 4: {NO_ADDRESS}: ftp://site.example/")


@pytest.mark.parametrize(
    ("loc", "why"),
    [
        ("", "no address"),
        (" \n ", "no address"),
        ("/a", f"{NO_ADDRESS}: /a"),
        ("//site.example/a", f"{NO_ADDRESS}: //site.example/a"),
        ("www.site.example/a", f"{NO_ADDRESS}: www.site.example/a"),
        ("javascript:alert(1)", f"{NO_ADDRESS}: javascript:alert(1)"),
        ("file:///etc/passwd", f"{NO_ADDRESS}: file:///etc/passwd"),
        ("http://", f"{NO_ADDRESS}: http://"),
        ("http://exa mple/", f"{NO_ADDRESS}: http://exa mple/"),
        ("https://me:secret@site.example/", "an address with a user name or password"),
        ("https://site.example/" + "a" * 2028, f"longer than 2,048 characters: https://site.example/{'a' * 179}…"),
    ],
)
def test_entries_that_are_dropped_and_reported(loc, why):
    found = parse(
        f"{OPEN}<url><loc>{A}</loc></url>\n<url><loc>{loc}</loc><lastmod>2024</lastmod></url><url><loc>{C}</loc></url></urlset>"
    )
    assert found.entries == (Entry(A), Entry(C))
    assert found.errors == (f"line 2: {why}",)


def test_entries_without_and_with_two_addresses():
    found = parse(f"{OPEN}<url><lastmod>2024</lastmod></url><url><loc>{A}</loc><loc>{C}</loc></url></urlset>")
    assert (found.entries, found.errors) == (
        (Entry(A),),
        ("line 1: no address", "line 1: a second address in one entry"),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HTTPS://Site.Example:443/A/../%7eb", "https://site.example/%7eb"),
        ("https://site.example/ä b#part", "https://site.example/%C3%A4%20b"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("https://site.example/a&amp;b&#38;c&#x26;d&lt;&gt;&quot;&apos;", "https://site.example/a&b&c&d%3C%3E%22'"),
    ],
)
def test_addresses_as_the_url_standard_writes_them(written, meant):
    assert locs(parse(f"{OPEN}<url><loc>{written}</loc></url></urlset>")) == [meant]


def test_an_alternate_that_is_no_address():
    link = '<xhtml:link rel="alternate" hreflang="{}" href="{}"/>'
    found = parse(f"{OPEN}<url><loc>{A}</loc>{link.format('de', '/de')}{link.format('fr', C)}</url></urlset>")
    assert found.entries == (Entry(A, None, (("fr", C),)),)
    assert found.errors == (f"line 1: alternate de: {NO_ADDRESS}: /de",)


OTHER_NS = "http://www.google.com/schemas/sitemap/0.84"
EXPECTED = "expected http://www.sitemaps.org/schemas/sitemap/0.9"


@pytest.mark.parametrize(
    ("start", "errors"),
    [
        (f'<urlset xmlns="{OTHER_NS}">', (f"namespace {OTHER_NS}: {EXPECTED}",)),
        ("<urlset>", (f"no namespace: {EXPECTED}",)),
        (f"\n<?xml version='1.0'?>{OPEN}", ("white space before the XML declaration",)),
        (f"\n<!-- made by hand -->\n{OPEN}", ()),
    ],
)
def test_tolerated_starts(start, errors):
    found = parse(urlset(A, B, start=start))
    assert (locs(found), found.errors) == ([A, B], errors)


def test_a_prefix_for_all():
    text = f"<s:urlset {NS.replace('xmlns', 'xmlns:s')}><s:url><s:loc>{A}</s:loc></s:url></s:urlset>"
    assert (locs(parse(text)), parse(text).errors) == ([A], ())


def encoded(name, declared=None):
    return urlset("https://site.example/ä", start=f'<?xml version="1.0" encoding="{declared or name}"?>{OPEN}').encode(
        name
    )


@pytest.mark.parametrize(
    "body",
    [
        encoded("utf-8"),
        encoded("utf-8-sig"),
        encoded("utf-16"),
        b"\xfe\xff" + encoded("utf-16-be"),
        encoded("utf-16-le", "utf-16"),
        encoded("utf-16-be", "utf-16"),
        encoded("iso-8859-1"),
        encoded("cp1252", "windows-1252"),
        encoded("gb18030"),
        encoded("utf-8", "utf-16"),
        "https://site.example/ä".encode("utf-16"),
    ],
)
def test_encodings(body):
    found = parse(body)
    assert (locs(found), found.errors) == (["https://site.example/%C3%A4"], ())


def test_bytes_that_are_not_in_the_encoding_cost_no_entry():
    found = parse(urlset(A, "https://site.example/\udce4", B).encode("utf-8", "surrogateescape"))
    assert locs(found) == [A, "https://site.example/%EF%BF%BD", B]
    assert found.errors == ("not valid utf-8: what cannot be read is replaced",)


def test_an_unknown_encoding():
    found = parse(encoded("utf-8", "klingon"))
    assert locs(found) == ["https://site.example/%C3%A4"]
    assert found.errors[0] == "unknown encoding klingon: read as UTF-8"


@pytest.mark.parametrize("body", [urlset(A, B), f"{A}\n{B}\n"])
def test_gzip_by_content(body):
    packed = gzip.compress(body.encode())
    halves = gzip.compress(body[:50].encode()) + gzip.compress(body[50:].encode())
    assert [locs(parse(data)) for data in (packed, halves, packed + b"\0" * 9)] == [[A, B]] * 3
    assert parse(packed).errors == ()


def test_gzip_that_breaks_after_blocks_of_nothing_takes_no_memory():
    nothing = b"\x00\x00\x00\xff\xff"  # https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4
    packed = gzip.compress(b"")[:10] + nothing * 100_000 + b"\xff"
    tracemalloc.start()
    found = parse(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.errors[0].startswith("broken gzip: ")
    assert peak < 1_000_000


def test_broken_gzip():
    packed = gzip.compress("".join(f"{A}{number * 7919}\n" for number in range(5000)).encode())
    short, wrong = parse(packed[: len(packed) // 2]), parse(packed[:-8] + b"12345678")
    assert 1000 < len(short.entries) < 5000
    assert "the gzip file ends early" in short.errors
    assert len(wrong.entries) == 5000
    assert wrong.errors[0].startswith("broken gzip: ")
    assert "gzip inside gzip" in parse(gzip.compress(packed)).errors
    assert parse(gzip.compress(packed)).entries == ()


FIRST = f"{OPEN}<url><loc>{A}</loc></url>"
INVALID = "not well-formed (invalid token)"
TOO_LONG = "a tag or comment of more than 262,144 bytes"


@pytest.mark.parametrize(
    ("rest", "kept", "error"),
    [
        (f"<url><loc>{C}?a&b</loc></url><url><loc>{C}</loc></url></urlset>", [A], INVALID),
        (f"<url><loc>{C}&nbsp;</loc></url></urlset>", [A], "undefined entity"),
        (f"<url><loc>{C}</url></urlset>", [A], "mismatched tag"),
        ("</urlset>\n<script>", [A], "junk after document element"),
        (f"<url><loc>{C}", [A], "no element found"),
        (f"<url><loc>{C}</loc><last", [A, C], "unclosed token"),
        ("\x00", [A], INVALID),
        ("<x>" * 40, [A], "nested more than 32 deep"),
        ("".join(f"<x{n}/>" for n in range(1100)), [A], "more than 1,000 names of elements and attributes"),
        (f"<!--{'<' * 1_000_000}", [A], TOO_LONG),
        (f"<url x='{'y' * 1_000_000}", [A], TOO_LONG),
    ],
)
def test_broken_xml_is_read_as_far_as_it_goes(rest, kept, error):
    found = parse(FIRST + rest)
    assert locs(found) == kept
    assert [told.partition(": ")[2] for told in found.errors] == [error]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty"),
        (" \n\ufeff", "empty"),
        ("<!DOCTYPE html><html><body>Not found", "an HTML page, not a sitemap"),
        ("\n<HTML><p>unclosed", "an HTML page, not a sitemap"),
        ("<opml><url><loc>x</loc></url></opml>", "line 1: root element opml: not a sitemap"),
        ("<?xml version='1.0'?><!DOCTYPE html SYSTEM 'x'><html/>", "line 1: an HTML page, not a sitemap"),
    ],
)
def test_what_is_no_sitemap(text, error):
    found = parse(text)
    assert (found.kind, found.entries, found.children, found.errors) == ("unknown", (), (), (error,))


def test_no_document_type_and_no_entities(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("https://site.example/secret")
    laughs = '<!ENTITY a0 "https://site.example/ha">' + "".join(
        f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12)
    )
    for declared, entity in ((laughs, "a12"), (f'<!ENTITY e SYSTEM "{secret.as_uri()}">', "e"), ("", "amp")):
        found = parse(f"<!DOCTYPE urlset [{declared}]>{OPEN}<url><loc>&{entity};</loc></url></urlset>")
        assert (found.kind, found.entries) == ("unknown", ())
        assert found.errors == ("line 1: has a document type, which is not read",)


def test_far_past_what_a_file_may_have_nothing_is_read(monkeypatch):
    monkeypatch.setattr(sitemap_xml, "MAX_ITEMS", 3)
    found = parse(urlset(*(f"https://site.example/{number}" for number in range(9))))
    assert [entry.loc[-1] for entry in found.entries] == ["0", "1", "2"]
    assert found.errors == ("line 11: more than 3 entries: the rest is not read",)


@pytest.mark.parametrize("extra", [0, 7])
def test_the_rest_past_50_000_is_counted(extra):
    urls = [f"https://site.example/{number}" for number in range(MAX_URLS + extra)]
    for body in (urlset(*urls), "\n".join(urls)):
        found = parse(body)
        assert (len(found.entries), found.entries[-1].loc) == (MAX_URLS, "https://site.example/49999")
        assert found.errors == ((f"{MAX_URLS + extra:,} addresses: only the first 50,000 are read",) if extra else ())


def test_errors_are_bounded():
    found = parse("x\n" * 5000)
    assert len(found.errors) == 101
    assert (found.errors[99], found.errors[100]) == (f"line 100: {NO_ADDRESS}: x", "4,900 more")


def bomb(start, unit, size):
    packer, chunk = zlib.compressobj(1, wbits=31), unit * (2**20 // len(unit))
    return b"".join(
        [packer.compress(start), *(packer.compress(chunk) for _ in range(size // len(chunk))), packer.flush()]
    )


@pytest.mark.parametrize(
    ("start", "unit"),
    [(b"", b"\0"), (b"", b" "), (A.encode(), b"\n"), (OPEN.encode(), b"<a>"), (OPEN.encode() + b"<!--", b"x"),
     (OPEN.encode() + b"<url><loc>", b"&amp;"), (OPEN.encode() + b"<url><loc><![CDATA[", b"x")],
)  # fmt: skip
def test_bombs_take_no_memory(start, unit):
    body = bomb(start, unit, MAX_BYTES + 2**21)
    tracemalloc.start()
    try:
        found = parse(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
    assert found.errors
    assert len(found.entries) <= 1


def test_a_file_past_50_mib_is_read_up_to_there():
    padding = f"<!--{'x' * 100_000}-->" * (MAX_BYTES // 100_000 + 1)
    found = parse(f"{OPEN}<url><loc>{A}</loc></url>{padding}<url><loc>{C}</loc></url></urlset>")
    assert locs(found) == [A]
    assert found.errors[0] == "larger than 52,428,800 bytes: the rest is not read"


def test_entries_and_children_on_the_site():
    found = parse(f"{A}\n{C}\nhttp://site.example:8080/\nhttps://www.site.example/\nhttps://site.example.evil.example/")
    assert locs(found.on_site(URL)) == [A, "http://site.example:8080/"]
    assert locs(found.on_site("https://www.example.com/")) == []
    listed = parse("https://a.shop.example.co.uk/\nhttps://example.co.uk/\nhttps://other.co.uk/\nhttps://127.0.0.1/")
    assert locs(listed.on_site("https://www.example.co.uk/", domain=True)) == [
        "https://a.shop.example.co.uk/",
        "https://example.co.uk/",
    ]
    index = parse(
        f"<sitemapindex {NS}><sitemap><loc>{C}</loc></sitemap><sitemap><loc>{A}</loc></sitemap></sitemapindex>"
    )
    assert index.on_site(URL).children == (Child(A),)


urls = st.lists(st.text("ab?&=%/ä'\"<>;", max_size=12).map("https://site.example/x{}".format), max_size=6)


@given(
    urls,
    st.lists(st.tuples(st.sampled_from(["de", "x-default"]), st.sampled_from([A, B, C])), max_size=3),
    st.booleans(),
)
def test_what_is_written_is_read(drawn, alternates, is_packed):
    links = "".join(
        f'<xhtml:link rel="alternate" hreflang="{lang}" href={quoteattr(url)} />' for lang, url in alternates
    )
    text = OPEN + "".join(f"<url><loc>{escape(url)}</loc>{links}</url>" for url in drawn) + "</urlset>"
    found = parse(gzip.compress(text.encode()) if is_packed else text)
    assert found.errors == ()
    assert locs(found) == locs(parse("\n".join(drawn)))
    assert all(entry.alternates == tuple(alternates) for entry in found.entries)


@given(st.integers(0, 1000), st.binary(max_size=6), st.booleans())
def test_a_file_broken_anywhere_keeps_what_stands_before(at, junk, is_cut):
    body = urlset(*(f"https://site.example/{number}" for number in range(12))).encode()
    at = min(at, len(body))
    found = parse(body[:at] + junk + (b"" if is_cut else body[at:]))
    before = body[:at].count(b"</url>")
    assert locs(found)[:before] == [f"https://site.example/{number}" for number in range(before)]


contents = st.one_of(
    st.binary(max_size=300), st.text(max_size=100).map(str.encode), st.binary(max_size=100).map(gzip.compress)
)
starts = st.sampled_from([b"", OPEN.encode(), b"<?xml version='1.0' encoding='", b"\x1f\x8b\x08\x00", b"\xff\xfe<"])


@given(contents, starts)
def test_any_bytes_are_a_sitemap_of_some_sort(body, start):
    found = parse(start + body)
    assert found.entries or found.children or found.errors or found.kind != "unknown"
    assert all(entry.loc.startswith(("http://", "https://")) for entry in found.entries)
