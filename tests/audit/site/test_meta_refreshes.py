"""An instant meta refresh is a redirect to search engines, and to the rules of sites."""

import pytest

from tasks.model import Outcome

EXAMPLE = "https://example.com"
STUB = '<meta http-equiv="refresh" content="0; url={}"><title>Redirecting…</title><p>Redirecting you to the new page.'
MOVED = STUB.format("/new")


def version(lang, url):
    return f'<link rel="alternate" hreflang="{lang}" href="{url}">'


def test_what_names_a_stub_names_a_redirect(judge):
    judged = judge(
        f"""
        /       <a href="/old1">1</a> <a href="/old2">2</a> <a href="/c">C</a> <a href="/v">V</a>
        /old1   {MOVED}
        /old2   {MOVED}<meta name="robots" content="noindex"><link rel="canonical" href="/new">
        /c      <link rel="canonical" href="/old2">
        /v      {version("en", "/v")}{version("de", "/old1")}
        /new    <h1>Tea</h1>
        /sitemap.xml  / /old1 /old2 /v /new
        """
    )
    redirects = {rule: judged.pages(rule) for rule in judged.results if rule.endswith("-redirect")}
    assert redirects == {
        "canonical-to-redirect": ["/c"],
        "hreflang-to-redirect": ["/v"],
        "link-to-redirect": ["/", "/"],
        "sitemap-url-redirect": ["/old1", "/old2"],
    }
    assert {issue["message"] for issue in judged.of("sitemap-url-redirect")} == {
        f"The sitemap lists an address that redirects (meta refresh) to {EXAMPLE}/new."
    }
    others = {issue["rule"] for issue in judged.issues if issue["url"].startswith(f"{EXAMPLE}/old")}
    assert others == {"sitemap-url-redirect"}
    assert judged.pages("canonical-to-noindex") == judged.pages("title-duplicate") == []
    assert judged.results["noindex-share-high"].outcome is Outcome.NOT_APPLICABLE
    node = judged.graph["/new"]
    assert (node["depth"], node["inlinks"]) == (1, 1)
    assert node["canonical_cluster"] == judged.graph["/old1"]["canonical_cluster"]


@pytest.mark.parametrize(
    "chain",
    [
        f"/ {STUB.format('/home')}",
        f"/ 302 /start\n/start {STUB.format('/home')}",
        f"/ {STUB.format('/start')}\n/start 301 /home",
        f"/ {STUB.format('/start#top')}\n/start {STUB.format('/home')}",
        f"/ 301 /start\n/start {STUB.format('/en')}\n/en 301 /home",
        f"/ {STUB.format('/1')}\n/1 {STUB.format('/2')}\n/2 302 /3\n/3 {STUB.format('/home')}",
    ],
)
def test_a_start_page_that_leads_on_is_the_page_it_leads_to(judge, chain):
    judged = judge(f'{chain}\n/home <a href="/a">A</a>\n/a <a href="/home">Home</a>')
    assert judged.pages("orphan-page") == []
    assert [judged.graph[path]["depth"] for path in ("/", "/home", "/a")] == [0, 0, 1]


@pytest.mark.parametrize(
    ("chain", "broken"),
    [
        (f"/old {STUB.format('/gone')}", "redirects to https://example.com/gone, which answers 404"),
        (f"/old 301 /on\n/on {STUB.format('/gone')}", "redirects to https://example.com/gone, which answers 404"),
        (f"/old {STUB.format('/on')}\n/on 301 /gone", "redirects to https://example.com/gone, which answers 404"),
        (f"/old {STUB.format('/dead')}", "redirects to https://example.com/dead, which cannot be fetched (reset)"),
        (f"/old {STUB.format('/on')}\n/on 301 /old", ""),
    ],
)
def test_a_link_to_a_refresh_that_ends_in_an_error_is_broken(judge, chain, broken):
    judged = judge(f'/ <a href="/old">Old</a>\n{chain}\n/gone 404\n/dead reset')
    told = [f'The link "Old" leads to {EXAMPLE}/old, which {broken}.'] if broken else []
    assert [issue["message"] for issue in judged.of("link-broken-internal")] == told
    assert len(judged.of("link-to-redirect")) == 1 - len(told)


def test_messages_name_the_end_of_redirects_and_refreshes(judge):
    judged = judge(f'/ <a href="/old">Old</a>\n/old 301 /on\n/on {STUB.format("/new")}\n/new 301 /new/\n/new/ Tea')
    assert [issue["message"] for issue in judged.of("link-to-redirect")] == [
        f'The link "Old" leads to {EXAMPLE}/old, which redirects (301) to {EXAMPLE}/new/.'
    ]


def test_links_of_a_stub_do_not_count(judge):
    stub = f'{STUB.format("/new")}<a href="/new">Go on</a> <a href="/other">Other</a>'
    judged = judge(f'/ <a href="/a">A</a>\n/a A\n/old1 {stub}\n/old2 {stub}\n/new <h1>Tea</h1>\n/other <h1>Oat</h1>')
    assert judged.pages("orphan-page") == ["/new", "/other"]
    assert {path: node["inlinks"] for path, node in judged.graph.items()} == {
        "/": 0,
        "/a": 1,
        "/new": 0,
        "/old1": 0,
        "/old2": 0,
        "/other": 0,
    }


@pytest.mark.parametrize("content", ["3; url=/new", "0", "0; url=/old#top", "0; url=mailto:a@example.com"])
def test_other_refreshes_are_no_redirects(judge, content):
    judged = judge(
        f"""
        /       <a href="/old">Old</a> <a href="/new">New</a>
        /old    <meta http-equiv="refresh" content="{content}"><title>Tea</title>
        /new    <title>Tea</title>
        """
    )
    assert judged.pages("link-to-redirect") == []
    assert judged.pages("title-duplicate") == ["/new", "/old"]


def test_refreshes_in_a_circle_end(judge):
    judged = judge(f"/ <a href=/a>A</a>\n/a {STUB.format('/b')}\n/b {STUB.format('/a')}\n/sitemap.xml /a /b")
    assert judged.pages("sitemap-url-redirect") == ["/a", "/b"]
