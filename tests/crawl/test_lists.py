"""Lists of URLs as people keep them."""

import gzip
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.crawl.lists import UrlList, collect, entries, read_list
from tasks.errors import InputError

A, B, C = "https://a.example/", "https://b.example/x,y", "https://c.example/z?q=1,2"


def read(tmp_path, content, name="list.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_list(str(path))


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n{C}\n",
        f"{A}\r\n{B}\r\n{C}",
        f"\ufeff{A}\n\n   \n{B}\t\n  {C}\n",
        f"# my list\n{A}\n# more\n{B}\n{C}\n",
        f"url\n{A}\n{B}\n{C}\n",
        f"{A}\n{B}\n{C}".encode("utf-16"),
        f"a.example\n{B}\n{C}\n",
    ],
)
def test_one_a_line(tmp_path, content):
    found = read(tmp_path, content)
    assert (found.urls, found.rejected, found.duplicates) == ((A, B, C), (), 0)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (f'id,URL,title\n1,{A},One\n2,"{B}","Two, too"\n3,"{C}",Three\n', "list.txt"),
        (f'title;address\nOne;{A}\n"Two; too";{B}\nThree;{C}\n', "list.csv"),
        (f"title\tPage\nOne\t{A}\nTwo\t{B}\nThree\t{C}\n", "list.tsv"),
        (f'1,{A},One\n2,"{B}","Two"\n3,"{C}",Three\n', "list.csv"),
        (f'"Two, too","{A}"\n"x","{B}"\n"y","{C}"\n', "list.txt"),
        (f'number,where\n1,{A}\n2,"{B}"\n3,"{C}"\n', "list.csv"),
        (f'title,loc\n"over\ntwo lines",{A}\nx,"{B}"\ny,"{C}"\n', "list.csv"),
    ],
)
def test_tables_with_and_without_header(tmp_path, content, name):
    found = read(tmp_path, content, name)
    assert (found.urls, found.rejected) == ((A, B, C), ())


@pytest.mark.parametrize(
    "quoted", [f'"{A}"\n"{B}"\n"{C}"\n', f'"page of ours"\n"{A}"\n"{B}"\n"{C}"', f'# x\n"{A}"\n{B}\n{C}']
)
def test_a_quoted_column_without_a_header(tmp_path, quoted):
    found = read(tmp_path, quoted)
    assert (found.urls, found.rejected) == ((A, B, C), ())


def test_a_quote_without_its_other_half_costs_no_other_line(tmp_path):
    found = read(tmp_path, f'"{A}\n{B}\n')
    assert found.urls[1:] == (B,)


@pytest.mark.parametrize("title", ['"5 pipe', '"a ""b""', '"'])
def test_a_quote_that_is_never_closed_takes_no_page_away_unsaid(tmp_path, title):
    with pytest.raises(InputError, match=r"^line 3 has a quote that is never closed"):
        read(tmp_path, f"url,title\n{A},x\n{B},{title}\n{C},z\n", "list.csv")
    assert read(tmp_path, f'url,title\n"{A}",5" pipe\n{B},"x\ny"', "list.csv").urls == (A, "https://b.example/x")


def test_addresses_with_commas_are_not_taken_for_a_table(tmp_path):
    assert read(tmp_path, f"{B}\n{C}\n").urls == (B, C)


def test_duplicates_are_counted_in_any_spelling(tmp_path):
    found = read(tmp_path, "https://a.example\nHTTPS://A.example/\na.example\nhttps://a.example/#top\n")
    assert (found.urls, found.duplicates) == ((A,), 3)


def test_a_bad_line_costs_no_other(tmp_path):
    found = read(tmp_path, f"{A}\nftp://x.example/\nhttp://\n{B}\nftp://x.example/\n")
    assert found.urls == (A, "ftp://x.example/", "http://", B)
    assert [line.line for line in found.rejected] == [2, 3]
    assert found.rejected[0].why == "cannot fetch ftp://x.example/: only http and https addresses are scanned"
    assert found.duplicates == 1


def test_an_empty_cell_is_a_bad_line(tmp_path):
    found = read(tmp_path, f"url,title\n{A},x\n,y\n", "list.csv")
    assert [line.line for line in found.rejected] == [3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no URLs in"),
        (b"\n \n# nothing\n", "no URLs in"),
        (b"url,title\n", "no URLs in"),
        (b"mailto:a@b.example\nftp://b.example\n", "line 1: cannot fetch mailto:a@b.example"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text file"),
        (b"<!doctype html><title>Not a list</title>", "is no sitemap with addresses .an HTML page"),
        (b"<urlset></urlset>", "is no sitemap with addresses"),
        (b"\x1f\x8b broken", "is no sitemap with addresses"),
    ],
)
def test_lists_without_one_usable_url(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


SITEMAP = f"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>{A}</loc></url><url><loc>{B}</loc></url><url><loc>{A}</loc></url><url><loc>/relative</loc></url>
<url><loc>{C}</loc></url></urlset>"""


@pytest.mark.parametrize(
    "content", [SITEMAP, gzip.compress(SITEMAP.encode()), SITEMAP.encode("utf-16")], ids=["plain", "gzip", "utf-16"]
)
def test_a_sitemap_names_its_pages(tmp_path, content):
    found = read(tmp_path, content, "sitemap.xml")
    assert (found.urls, found.rejected, found.duplicates) == ((A, B, C), (), 1)
    [fault] = found.faults
    assert fault.endswith("not an absolute http or https address: /relative")


def test_a_zipped_list_and_a_feed_are_read(tmp_path):
    assert read(tmp_path, gzip.compress(f"{A}\n{B}\n".encode())).urls == (A, B)
    table = gzip.compress(f'# ours\r\nurl,title\r\na.example,x\r\n"{B}","y, z"\r\n'.encode("utf-16"))
    assert read(tmp_path, table) == UrlList((A, B), (), 0)
    assert read(tmp_path, gzip.compress(f"x,{A}\n".encode()), "list.csv.gz").urls == (A,)
    assert read(tmp_path, gzip.compress(f"{A}\n{B}\n".encode())[:-9]).urls == (A, B)
    feed = f"<rss version='2.0'><channel><item><link>{A}</link></item></channel></rss>"
    assert read(tmp_path, feed).urls == (A,)


def test_an_index_is_refused_and_says_what_it_names(tmp_path):
    parts = "".join(f"<sitemap><loc>https://a.example/{n}.xml</loc></sitemap>" for n in range(1200))
    with pytest.raises(InputError, match=r"index of 1,200 sitemaps.*https://a\.example/0\.xml.*crawl the site"):
        read(tmp_path, f"<sitemapindex>{parts}</sitemapindex>", "sitemap.xml")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*nope\.txt"):
        read_list(str(tmp_path / "nope.txt"))
    with pytest.raises(InputError, match="is a folder"):
        read_list(str(tmp_path))
    with pytest.raises(InputError, match=r"to scan that page: seo scan https://a\.example/"):
        read_list(A)


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{A}\n{B}\n".encode())))
    assert read_list("-").urls == (A, B)


def test_100_000_lines(tmp_path):
    found = read(tmp_path, "".join(f"https://a.example/{n}\n" for n in range(100_000)))
    assert len(found.urls) == 100_000
    assert (found.urls[-1], found.duplicates) == ("https://a.example/99999", 0)


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_a_list_or_refused(text, is_table):
    try:
        found = collect(entries(text, is_table=is_table))
    except InputError:
        return
    assert len(set(found.urls)) == len(found.urls)
    assert len(found.rejected) <= len(found.urls)


@given(
    st.lists(st.sampled_from([A, B, C, "https://d.example/%2F?a=b;c", "https://e.example/ä"]), min_size=1), st.data()
)
def test_a_written_table_is_read_back(urls, data):
    delimiter = data.draw(st.sampled_from(",;\t"))
    titles = data.draw(st.lists(st.text("abc ,;\"'\n", max_size=8), min_size=len(urls), max_size=len(urls)))
    rows = [
        f'"{title.replace(chr(34), chr(34) * 2)}"{delimiter}"{url}"' for title, url in zip(titles, urls, strict=True)
    ]
    text = "\n".join([f"title{delimiter}url", *rows])
    assert collect(entries(text)).urls == collect(enumerate(urls)).urls


@given(st.binary(max_size=400))
def test_any_file_is_a_list_or_refused(tmp_path_factory, content):
    with suppress(InputError):
        assert read(tmp_path_factory.getbasetemp(), content, "any").urls


def test_rejected_lines_hide_credentials_and_take_no_other_page_away(tmp_path):
    found = read(tmp_path, "http://user:canary@a.example/\nhttp://a.example/\nuser:can/canary@a.example\n")
    assert "http://a.example/" in found.urls
    assert len(found.urls) == 3
    assert "canary" not in repr(found)


def test_rejected_lines_of_any_length_stay_rejected(tmp_path):
    found = read(tmp_path, f"{A}\nhttp://a.example/{'x' * 300_000}\n")
    again = collect(enumerate(found.urls))
    assert again.urls == found.urls
    assert [rejected.line for rejected in again.rejected] == [1]
    assert len(found.urls[1]) < 20_000
