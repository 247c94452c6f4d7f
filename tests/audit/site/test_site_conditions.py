"""Each site rule on small sites: what fails and what does not, at the limits, and what cannot be known."""

import pytest

from tasks.audit import Profile
from tasks.extract import limits
from tasks.model import Outcome, Severity
from tasks.store.site_columns import SitemapEntryFact, SitemapFact

FAIL, PASS, NOT, UNKNOWN = Outcome.FAIL, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
EXAMPLE = "https://example.com"
ABOUT = (
    "We grow, dry and pack it ourselves and send it within two days to every place that the post can reach, by rail "
    "and by ship and on foot. Our gardens lie on the south slope, a thousand metres high, where mist keeps the young "
    "leaves soft until noon in every month of the year."
)


def version(*pairs):
    return "".join(f'<link rel="alternate" hreflang="{lang}" href="{href}">' for lang, href in pairs)


@pytest.fixture
def outcome(judge):
    """A rule's outcome and the paths it finds fault with."""

    def outcome(rule, text, **how):
        judged = judge(text, profile=Profile(select=(rule,), options=how.pop("options", {})), **how)
        result = judged.results[rule]
        assert not judged.of("rule-crashed")
        assert bool(result.why) == (result.outcome in {NOT, UNKNOWN})
        return result.outcome, judged.pages(rule)

    return outcome


DUPLICATES = [
    ("/ <title>A</title>\n/a <title> a </title>\n/b <title>B</title>", ["/", "/a"]),
    ("/ <title>Å</title>\n/a <title>A\u030a</title>", ["/", "/a"]),
    ('/ <title>A</title>\n/a <meta name="robots" content="noindex"><title>A</title>', []),
    ("/ <title>A</title>\n/a 404 <title>A</title>", []),
    ("/ <title>A</title>\n/a 301 /", []),
    ('/ <title>A</title>\n/a <title>A</title><link rel="canonical" href="/">', []),
    ('/ <title>A</title>\n/a%2f <title>A</title><link rel="canonical" href="/a%2F">', ["/", "/a%2f"]),
    (f"/ <title>A</title>{version(('de', '/de'))}\n/de <title>A</title>", []),
    (f"/ <title>A</title>{version(('de', '/de'))}\n/de <title>A</title>\n/x <title>A</title>", ["/", "/de", "/x"]),
    (
        f"""
        /   <title>Home</title>
        /a  <title>A</title>{version(("x-default", "/"))}
        /b  <title>A</title>{version(("x-default", "/"))}
        """,
        ["/a", "/b"],
    ),
    ("/ <title>A</title>\n/list/page/2/ <title>B</title>\n/list/page/3/ <title>B</title>\n/list/ <title>B</title>", []),
    ("/ <title>A</title>\n/list?page=2&a=1 <title>B</title>\n/list?a=1 <title>B</title>", []),
    (
        "/ <title>A</title>\n/list?page=2&a=1 <title>B</title>\n/list?a=2 <title>B</title>",
        ["/list?a=2", "/list?page=2&a=1"],
    ),
]


@pytest.mark.parametrize(("text", "paths"), DUPLICATES)
def test_title_duplicate(outcome, text, paths):
    assert outcome("title-duplicate", text) == (FAIL if paths else PASS, paths)


def test_duplicates_without_anything_to_compare(outcome):
    assert outcome("title-duplicate", "/ <h1>A</h1>") == (NOT, [])
    assert outcome("description-duplicate", '/ <meta name="description" content=" ">') == (NOT, [])
    assert outcome("h1-duplicate", "/ <h1> </h1>") == (NOT, [])
    assert outcome("content-exact-duplicate", "/ <title>A</title>") == (NOT, [])
    assert outcome("content-near-duplicate", "/ <title>A</title>") == (NOT, [])


def test_duplicate_says_how_many_and_where(judge):
    lines = "\n".join(f"/{n} <title>Tea \x1b</title>" for n in range(6))
    issue = judge(f"/ <title>Home</title>\n{lines}").of("title-duplicate")[0]
    assert issue["message"] == (
        'The title "Tea �" is also that of 5 other pages: '
        "https://example.com/1, https://example.com/2, https://example.com/3, …."
    )
    assert issue["evidence"]["pages"] == 6
    assert issue["evidence"]["head"] == f"{EXAMPLE}/0"


def test_silence_of_an_incomplete_crawl_is_unknown_and_findings_hold(outcome):
    assert outcome("title-duplicate", "/ <title>A</title>", complete=False) == (UNKNOWN, [])
    assert outcome("title-duplicate", "/ <title>A</title>\n/a <title>A</title>", complete=False) == (FAIL, ["/", "/a"])


def test_content_duplicates(judge):
    judged = judge(
        f"""
        /   <p>{ABOUT} One.
        /2  <p>{ABOUT}   One.
        /3  <p>{ABOUT} Two.
        /4  <p>Something else altogether, and short.
        /5  <link rel="canonical" href="/"><p>{ABOUT} One.
        /6  <nav>Empty</nav>
        /7  <nav>Void</nav>
        """
    )
    assert judged.pages("content-exact-duplicate") == ["/", "/2"]
    assert judged.pages("content-near-duplicate") == ["/", "/3"]
    near = judged.of("content-near-duplicate")[0]["evidence"]
    assert 0.9 <= near["observed"] < 1
    assert (near["limit"], near["pages"]) == (0.9, 2)
    clusters = {path: node["duplicate_cluster"] for path, node in judged.graph.items()}
    assert clusters["/"] == clusters["/2"] == clusters["/3"] is not None
    assert clusters["/4"] is clusters["/5"] is clusters["/6"] is clusters["/7"] is None


def test_canonical_rules_do_not_overlap(judge):
    judged = judge(
        """
        /        <a href="/r">A</a>
        /r       <link rel="canonical" href="/to-gone">
        /to-gone 301 /gone
        /gone    410
        /e       <link rel="canonical" href="/gone">
        /down    dns
        /d       <link rel="canonical" href="/down">
        /n       <link rel="canonical" href="/hidden">
        /hidden  <meta name="googlebot" content="none"><link rel="canonical" href="/hidden">
        /b       <link rel="canonical" href="/blocked">
        /blocked blocked
        /c1      <link rel="canonical" href="/c2">
        /c2      <link rel="canonical" href="/c3">
        /c3      <link rel="canonical" href="/c3#top">
        /l0      <link rel="canonical" href="/l1">
        /l1      <link rel="canonical" href="/l2">
        /l2      <link rel="canonical" href="/l3">
        /l3      <link rel="canonical" href="/l1">
        /busy    429
        /t       <link rel="canonical" href="/busy">
        /two     <link rel="canonical" href="/gone"><link rel="canonical" href="/">
        """
    )
    found = {rule: judged.pages(rule) for rule in judged.results if rule.startswith("canonical-")}
    assert found == {
        "canonical-to-redirect": ["/r"],
        "canonical-to-error": ["/d", "/e"],
        "canonical-to-noindex": ["/n"],
        "canonical-to-blocked": ["/b"],
        "canonical-chain": ["/c1", "/l0"],
        "canonical-loop": ["/l1", "/l2", "/l3"],
    }
    assert judged.of("canonical-to-error")[0]["message"] == (
        "The canonical https://example.com/down cannot be fetched (dns)."
    )


@pytest.mark.parametrize(
    "rule",
    [f"canonical-{rule}" for rule in ("to-redirect", "to-error", "to-noindex", "to-blocked", "chain", "loop")],
)
def test_canonicals_that_nobody_fetched_are_unknown(outcome, rule):
    text = '/ <link rel="canonical" href="https://elsewhere.example/">'
    assert outcome(rule, text) == (UNKNOWN, [])
    assert outcome(rule, '/ <link rel="canonical" href="/">') == (NOT, [])


def test_broken_internal_link_is_told_on_its_page_once_for_each_target(judge):
    judged = judge(
        """
        /      <nav><a href="/gone">Nav</a></nav><main><a href="/gone#a">In main</a></main> <a href="/moved">Moved</a>
        /gone  404
        /moved 302 /gone
        /a     <a href="/gone">Gone</a> <a href="/login">Log in</a> <a href="/slow">Slow</a> <a href="/busy">Busy</a>
        /login 401
        /slow  read-timeout
        /busy  429
        """
    )
    issues = sorted(judged.of("link-broken-internal"), key=lambda issue: (issue["url"], issue["evidence"]["target"]))
    assert [(issue["url"], issue["evidence"]["target"]) for issue in issues] == [
        (f"{EXAMPLE}/", f"{EXAMPLE}/gone"),
        (f"{EXAMPLE}/", f"{EXAMPLE}/moved"),
        (f"{EXAMPLE}/a", f"{EXAMPLE}/gone"),
        (f"{EXAMPLE}/a", f"{EXAMPLE}/slow"),
    ]
    first, moved, _, slow = issues
    assert first["evidence"] | {"locator": "a"} == {
        "source": f"{EXAMPLE}/",
        "text": "In main",
        "position": "main",
        "rel": "",
        "target": f"{EXAMPLE}/gone",
        "status": 404,
        "reason": None,
        "occurrences": 2,
        "locator": "a",
    }
    assert first["severity"] == "error"
    assert moved["message"] == (
        'The link "Moved" leads to https://example.com/moved, which redirects to https://example.com/gone, '
        "which answers 404."
    )
    assert slow["message"] == (
        'The link "Slow" leads to https://example.com/slow, which cannot be fetched (read-timeout).'
    )
    assert judged.results["link-to-redirect"].outcome is UNKNOWN
    assert judged.counts[Severity.ERROR] >= 4


def test_links_whose_targets_nobody_checked_are_unknown(outcome):
    text = '/ <a href="/elsewhere">A</a> <a href="https://elsewhere.example/">B</a>'
    assert outcome("link-broken-internal", text) == (UNKNOWN, [])
    assert outcome("link-to-redirect", text) == (UNKNOWN, [])
    assert outcome("link-broken-external", text) == (UNKNOWN, [])
    assert outcome("link-broken-internal", f"{text}\n/elsewhere internal 404") == (FAIL, ["/"])
    assert outcome("link-to-redirect", f"{text}\n/elsewhere internal 301 /new") == (FAIL, ["/"])
    assert outcome("link-broken-internal", f"{text}\n/elsewhere internal 200") == (PASS, [])
    assert outcome("link-broken-internal", f"{text}\n/elsewhere blocked") == (PASS, [])
    for rule in ("link-broken-internal", "link-to-redirect", "link-broken-external"):
        assert outcome(rule, '/ <a href="mailto:a@example.com">A</a>') == (NOT, [])


def severities(judged, rule, evidence):
    return {
        issue["evidence"][evidence]: (issue["severity"], issue["evidence"]["verified"]) for issue in judged.of(rule)
    }


def test_severity_of_broken_external_links(judge):
    expected = {
        "404": "warning",
        "410": "warning",
        "dns 2": "warning",
        "connect-refused 2": "warning",
        "dns 1": "notice",
        "read-timeout 2": "notice",
        "403": "notice",
        "405": "notice",
        "429": "notice",
        "503": "notice",
        "999": "notice",
        "200": None,
        "301 https://elsewhere.example/new": None,
    }
    urls = {answer: f"https://elsewhere.example/{number}" for number, answer in enumerate(expected)}
    links = "".join(f'<a href="{url}">A</a>' for url in urls.values())
    judged = judge("\n".join([f"/ {links}", *(f"{url} {answer}" for answer, url in urls.items())]))
    assert severities(judged, "link-broken-external", "target") == {
        urls[answer]: (severity, severity == "warning") for answer, severity in expected.items() if severity
    }


def test_severity_of_broken_images(judge):
    expected = {
        ("/a.png", "404"): "error",
        ("/b.png", "503"): "error",
        ("/c.png", "dns 2"): "error",
        ("/d.png", "dns 1"): "notice",
        ("/e.png", "403"): "notice",
        ("/f.png", "200"): None,
        ("https://cdn.example/a.png", "404"): "error",
        ("https://cdn.example/b.png", "503"): "notice",
    }
    images = "".join(f'<img src="{url}"><img src="{url}#a" alt="Pot">' for url, _ in expected)
    judged = judge("\n".join([f"/ {images}", *(f"{url} image {answer}" for url, answer in expected)]))
    assert severities(judged, "image-broken", "src") == {
        url.replace("/", f"{EXAMPLE}/", 1) if url[0] == "/" else url: (severity, severity == "error")
        for (url, _), severity in expected.items()
        if severity
    }
    assert {issue["evidence"]["occurrences"] for issue in judged.of("image-broken")} == {2}


@pytest.mark.parametrize("rule", ["canonical-to-error", "hreflang-to-error", "sitemap-url-error"])
def test_errors_that_may_be_meant_for_the_scanner_alone_are_notices(judge, rule):
    expected = {401: "notice", 403: "notice", 404: "error", 407: "notice", 410: "error", 500: "error"}
    named = "".join(f'/c{status} <link rel="canonical" href="/{status}">\n' for status in expected)
    answers = "\n".join(f"/{status} {status}" for status in expected)
    listed = " ".join(f"/{status}" for status in expected)
    versions = version(*((f"x-{status}", f"/{status}") for status in expected))
    judged = judge(f"/ {versions}\n{named}{answers}\n/moved 301 /403\n/sitemap.xml {listed} /moved")
    found = judged.of(rule)
    by_message = {int(issue["message"].partition("answers ")[2][:3]): issue["severity"] for issue in found}
    assert by_message == expected
    assert all(("; unverified." in one["message"]) is (one["severity"] == "notice") for one in found)
    assert all(one["evidence"]["verified"] is (one["severity"] == "error") for one in found)
    assert [one["severity"] for one in judged.of("sitemap-url-redirect")] == ["warning"]


@pytest.mark.parametrize(
    ("answer", "severity"),
    [
        ("404", "error"),
        ("405", "notice"),
        ("503", "notice"),
        ("403", "notice"),
        ("dns 1", "notice"),
        ("dns 2", "error"),
        ("301 /new", None),
        ("200", None),
    ],
)
def test_what_was_only_looked_at_is_told_with_care(judge, answer, severity):
    judged = judge(f'/ <link rel="canonical" href="https://elsewhere.example/">\nhttps://elsewhere.example/ {answer}')
    assert [issue["severity"] for issue in judged.of("canonical-to-error")] == ([severity] if severity else [])


def test_images_that_nobody_checked_are_unknown(outcome):
    assert outcome("image-broken", '/ <img src="/pot.png">') == (UNKNOWN, [])
    assert outcome("image-broken", '/ <img src="data:image/gif;base64,R0">') == (NOT, [])


def test_pages_by_their_inlinks(judge):
    judged = judge(
        """
        /        <a href="/one">1</a> <a href="/two">2</a> <a href="/no" rel="ugc nofollow">N</a> <a href="/moved">M</a>
        /one     <a href="/two">2</a> <a href="/one">Self</a> <a href="/">Home</a>
        /two     <meta name="robots" content="nofollow"><a href="/shy">S</a>
        /no      <title>No</title>
        /shy     <title>Shy</title>
        /moved   301 /new
        /new     <title>New</title>
        /lost    <title>Lost</title>
        /gone    404
        /hidden  <meta name="robots" content="noindex">
        /sitemap.xml /lost /gone /hidden
        """
    )
    assert judged.pages("nofollow-inlinks-only") == ["/no", "/shy"]
    assert judged.pages("orphan-page") == ["/lost"]
    assert judged.pages("near-orphan-page") == ["/new", "/one"]
    lost = judged.of("orphan-page")[0]
    assert lost["evidence"]["sitemap"] == f"{EXAMPLE}/sitemap.xml"
    assert judged.graph["/new"]["depth"] == judged.graph["/moved"]["depth"] == 1
    assert judged.graph["/shy"]["depth"] is None
    assert (judged.graph["/two"]["inlinks"], judged.graph["/no"]["followed_inlinks"]) == (2, 0)


@pytest.mark.parametrize(
    "rule",
    ["nofollow-inlinks-only", "orphan-page", "near-orphan-page", "click-depth-high", "sitemap-missing-page"],
)
def test_what_an_incomplete_crawl_cannot_know(outcome, rule):
    assert outcome(rule, '/ <a href="/a">A</a>\n/a <h1>A</h1>\n/b <h1>B</h1>\n/sitemap.xml /', complete=False) == (
        UNKNOWN,
        [],
    )
    assert outcome(rule, "/ 404") == (NOT, [])


@pytest.mark.parametrize("rule", ["orphan-page", "title-duplicate", "link-broken-internal"])
def test_what_cut_links_keep_from_knowing(outcome, monkeypatch, rule):
    site = '/ <a href="/a">A</a> <a href="/b">B</a>\n/a <title>Tea</title>\n/b <title>Green</title>\n/sitemap.xml /'
    monkeypatch.setattr(limits, "LINKS", 2)
    assert outcome(rule, site) == (PASS, [])
    monkeypatch.setattr(limits, "LINKS", 1)
    assert outcome(rule, f"{site} ") == (UNKNOWN, [])


def test_start_that_redirects_is_no_orphan(judge):
    judged = judge('/ 301 /home\n/home <a href="/a">A</a>\n/a <a href="/home">H</a>')
    assert judged.pages("orphan-page") == []
    assert judged.pages("near-orphan-page") == ["/a"]
    assert [judged.graph[path]["depth"] for path in ("/", "/home", "/a")] == [0, 0, 1]


def test_click_depth_limit(outcome):
    chain = "\n".join(f'/{n or ""} <a href="/{n + 1}">Next</a>' for n in range(6)) + "\n/6 <h1>End</h1>"
    assert outcome("click-depth-high", chain) == (FAIL, ["/5", "/6"])
    assert outcome("click-depth-high", chain, options={"click-depth-high": {"clicks": 6}}) == (PASS, [])
    assert outcome("click-depth-high", "/ <h1>Alone</h1>") == (NOT, [])


def test_return_links(judge):
    judged = judge(
        f"""
        /     {version(("en", "/"), ("de", "/de"), ("fr", "/fr"), ("it", "/it"), ("es", "/es"), ("pt", "/pt"))}
        /de   {version(("de", "/de"), ("en", "/#top"))}
        /fr   {version(("fr", "/fr"))}
        /it   {version(("it", "/it"), ("en-GB", "/"))}
        /es   <meta name="robots" content="noindex">
        /pt   404
        """
    )
    found = {issue["evidence"]["target"]: issue["message"] for issue in judged.of("hreflang-missing-return")}
    assert found == {
        f"{EXAMPLE}/fr": "The fr version https://example.com/fr does not name this page in return.",
        f"{EXAMPLE}/it": "The it version https://example.com/it does not name this page as en in return.",
    }
    assert judged.pages("hreflang-to-error") == ["/"]
    assert judged.of("hreflang-to-error")[0]["evidence"]["lang"] == "pt"


def test_return_links_may_be_in_a_sitemap(outcome):
    pages = f"/ {version(('en', '/'), ('de', '/de'))}\n/de <h1>Tee</h1>"
    listed = SitemapEntryFact(
        sitemap=f"{EXAMPLE}/s.xml", url=f"{EXAMPLE}/de", alternates=(("en", f"{EXAMPLE}/"), ("de", f"{EXAMPLE}/de"))
    )
    assert outcome("hreflang-missing-return", pages) == (FAIL, ["/"])
    assert outcome("hreflang-missing-return", pages, entries=[listed]) == (PASS, [])


def test_language_versions_elsewhere_are_unknown_and_absent_ones_not_applicable(outcome):
    judged = ("missing-return", "to-redirect", "to-error", "to-noindex", "to-noncanonical")
    for rule in (f"hreflang-{name}" for name in judged):
        assert outcome(rule, f"/ {version(('de', 'https://elsewhere.example/'))}") == (UNKNOWN, [])
        assert outcome(rule, f"/ {version(('en', '/'))}") == (NOT, [])
    assert outcome("hreflang-cluster-incomplete", f"/ {version(('en', '/'))}") == (NOT, [])
    assert outcome("hreflang-cluster-incomplete", f"/ {version(('de', '/de'))}\n/de <h1>Tee</h1>") == (NOT, [])


def test_versions_that_are_not_to_be_listed(judge):
    judged = judge(
        f"""
        /      {version(("en", "/"), ("de", "/de"), ("de-AT", "/de"), ("fr", "/fr#top"), ("it", "/it"), ("es", "/es"))}
        /de    <meta name="googlebot" content="none">
        /fr    <link rel="canonical" href="/de">
        /it    <link rel="canonical" href="/it#top">{version(("en", "/"))}
        /es    301 /fr
        /no    <meta name="robots" content="noindex">{version(("de", "/de"), ("fr", "/fr"))}
        """
    )
    hidden, copied = judged.of("hreflang-to-noindex"), judged.of("hreflang-to-noncanonical")
    assert [(issue["url"], issue["severity"], issue["message"]) for issue in hidden + copied] == [
        (f"{EXAMPLE}/", "error", f"The de version {EXAMPLE}/de is noindex."),
        (f"{EXAMPLE}/", "error", f"The fr version {EXAMPLE}/fr names another canonical: {EXAMPLE}/de."),
    ]
    assert judged.pages("hreflang-missing-return") == []


@pytest.mark.parametrize(
    ("start", "named", "paths"),
    [
        ("302 /en", (("x-default", "/"),), []),
        ("307 /de", (("x-default", "/"),), []),
        ("301 /en", (("x-default", "/"),), ["/de", "/en"]),
        ('<meta http-equiv="refresh" content="0; url=/en">', (("x-default", "/"),), ["/de", "/en"]),
        ("302 /en", (("x-default", "/"), ("fr", "/")), ["/de", "/en"]),
    ],
)
def test_an_x_default_may_lead_people_to_their_language(outcome, start, named, paths):
    head = version(("en", "/en"), ("de", "/de"), *named)
    site = f'/ {start}\n/en {head}<a href="/de">Deutsch</a>\n/de {head}<a href="/en">English</a>'
    assert outcome("hreflang-to-redirect", site) == (FAIL if paths else PASS, paths)


def test_incomplete_cluster_names_what_is_missing(judge):
    everybody = (("en", "/"), ("de", "/de"), ("fr", "/fr"))
    judged = judge(
        f"/ {version(*everybody, ('x-default', '/all'))}\n/de {version(*everybody)}\n/fr {version(*everybody[::2])}"
    )
    found = {issue["url"]: issue["evidence"] for issue in judged.of("hreflang-cluster-incomplete")}
    assert {url: (e["observed"], e["limit"], e["missing"], e["pages"], e["urls"]) for url, e in found.items()} == {
        f"{EXAMPLE}/de": (3, 4, 1, 3, f"{EXAMPLE}/all"),
        f"{EXAMPLE}/fr": (2, 4, 2, 3, f"{EXAMPLE}/all, {EXAMPLE}/de"),
    }


def test_sitemap_rules_do_not_overlap(judge):
    judged = judge(
        """
        /             <a href="/linked">A</a> <a href="/hidden">B</a> <a href="/copy">C</a>
        /linked       <h1>A</h1>
        /hidden       <meta name="robots" content="noindex">
        /copy         <link rel="canonical" href="/">
        /alone        <h1>Alone</h1>
        /moved        307 /
        /gone         404
        /down         reset
        /blocked      blocked
        /busy         429
        /sitemap.xml  / /hidden /copy /moved /gone /down /blocked /busy
        """
    )
    found = {rule: judged.pages(rule) for rule in judged.results if rule.startswith("sitemap-")}
    assert found == {
        "sitemap-url-redirect": ["/moved"],
        "sitemap-url-error": ["/down", "/gone"],
        "sitemap-url-noindex": ["/hidden"],
        "sitemap-url-noncanonical": ["/copy"],
        "sitemap-url-blocked": ["/blocked"],
        "sitemap-missing-page": ["/linked"],
    }
    assert {issue["evidence"]["sitemap"] for issue in judged.of("sitemap-url-error")} == {f"{EXAMPLE}/sitemap.xml"}
    assert judged.pages("blocked-by-robots") == []


def test_what_is_past_its_date_is_not_to_be_named_as_a_page_to_find(judge):
    judged = judge(
        f"""
        /             <link rel="canonical" href="/job">
        /en           {version(("en", "/en"), ("de", "/job"))}
        /job          <meta name="robots" content="unavailable_after: 2020-01-31">{version(("en", "/en"))}
        /later        <meta name="robots" content="unavailable_after: 2999-01-31">
        /sitemap.xml  /en /job /later
        """
    )
    rules = ("canonical-to-noindex", "hreflang-to-noindex", "sitemap-url-noindex", "noindex-share-high")
    assert [issue["message"] for rule in rules for issue in judged.of(rule)] == [
        "The canonical https://example.com/job is past its unavailable_after.",
        "The de version https://example.com/job is past its unavailable_after.",
        "The sitemap lists a page that is past its unavailable_after.",
    ]


def test_what_googlebot_may_not_read_says_nothing_of_indexing(judge):
    judged = judge(
        """
        /             <link rel="canonical" href="/hidden"><a href="/hidden">A</a> <a href="/copy">B</a>
        /hidden       blocked <meta name="robots" content="noindex">
        /copy         blocked <link rel="canonical" href="/tea">
        /tea          <h1>Tea</h1>
        /sitemap.xml  /hidden /copy /tea
        """
    )
    found = {rule: judged.pages(rule) for rule in judged.results if rule.startswith(("sitemap-", "canonical-"))}
    assert {rule: paths for rule, paths in found.items() if paths} == {
        "sitemap-url-blocked": ["/copy", "/hidden"],
        "canonical-to-blocked": ["/"],
    }
    assert judged.graph["/copy"]["canonical_cluster"] != judged.graph["/tea"]["canonical_cluster"]


def test_sitemaps_that_are_absent_unread_or_unfetched(outcome):
    for rule in ("redirect", "error", "noindex", "noncanonical", "blocked"):
        assert outcome(f"sitemap-url-{rule}", "/ <h1>A</h1>") == (NOT, [])
        assert outcome(f"sitemap-url-{rule}", "/ <h1>A</h1>\n/sitemap.xml / /b") == (UNKNOWN, [])
    broken = SitemapFact(url=f"{EXAMPLE}/2.xml", kind="", status=503)
    text = '/ <a href="/a">A</a>\n/a <h1>A</h1>\n/sitemap.xml /'
    assert outcome("sitemap-missing-page", text) == (FAIL, ["/a"])
    assert outcome("sitemap-missing-page", text, sitemaps=[broken]) == (UNKNOWN, [])


def test_blocked_addresses_are_told_where_they_are_linked_or_named(outcome):
    assert outcome("blocked-by-robots", '/ <a href="/a">A</a>\n/a blocked\n/b blocked\n/sitemap.xml /b') == (
        FAIL,
        ["/a"],
    )
    assert outcome("blocked-by-robots", "/ blocked\n/sitemap.xml /") == (FAIL, ["/"])
    assert outcome("blocked-by-robots", "/ <h1>A</h1>\n/a blocked") == (FAIL, ["/a"])


@pytest.mark.parametrize(
    ("answer", "unreachable", "blocks_all", "syntax"),
    [
        ("503", FAIL, NOT, NOT),
        ("429", FAIL, NOT, NOT),
        ("deadline", FAIL, NOT, NOT),
        ("404", PASS, NOT, NOT),
        ("403", PASS, NOT, NOT),
        ("User-agent: * | Disallow: /", PASS, FAIL, PASS),
        ("User-agent: * | Disallow: / | Allow: /a", PASS, PASS, PASS),
        ("User-agent: * | Forbid: / | Forbid: / | nonsense", PASS, PASS, FAIL),
    ],
)
def test_robots_txt(judge, answer, unreachable, blocks_all, syntax):
    judged = judge(f"/ <h1>A</h1>\n/robots.txt {answer}", complete=False)
    found = [judged.results[f"robots-txt-{rule}"].outcome for rule in ("unreachable", "blocks-all", "syntax")]
    assert found == [unreachable, blocks_all, syntax]
    issues = [issue for issue in judged.issues if issue["rule"].startswith("robots-txt-")]
    assert {(issue["url"], issue["page_id"]) for issue in issues} <= {(f"{EXAMPLE}/robots.txt", "")}


def test_lines_of_robots_txt_are_told_once_each(judge):
    judged = judge("/ <h1>A</h1>\n/robots.txt User-agent: * | Forbid: / | Forbid: / | nonsense")
    found = [(issue["evidence"]["line"], issue["evidence"]["occurrences"]) for issue in judged.of("robots-txt-syntax")]
    assert sorted(found) == [(2, 2), (4, 1)]


def test_robots_txt_that_was_not_read(outcome):
    for rule in ("unreachable", "blocks-all", "syntax"):
        assert outcome(f"robots-txt-{rule}", "/ <h1>A</h1>") == (UNKNOWN, [])


@pytest.mark.parametrize(
    ("hidden", "pages", "message"),
    [
        (8, 10, "8 of 10 pages are noindex."),
        (7, 10, None),
        (10, 10, "All 10 pages are noindex."),
        (8, 11, None),
        (9, 11, "9 of 11 pages are noindex."),
    ],
)
def test_share_of_noindex(judge, hidden, pages, message):
    head = '<meta name="robots" content="noindex">'
    judged = judge("\n".join(f"/{n or ''} {head if n < hidden else '<h1>A</h1>'}" for n in range(pages)))
    assert [issue["message"] for issue in judged.of("noindex-share-high")] == ([message] if message else [])


def test_share_of_noindex_of_few_pages(outcome):
    lines = "\n".join(f'/{n or ""} <meta name="robots" content="noindex">' for n in range(9))
    assert outcome("noindex-share-high", lines) == (NOT, [])
    assert outcome("noindex-share-high", lines, options={"noindex-share-high": {"pages": 9}}) == (FAIL, ["/"])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("404", PASS),
        ("410", PASS),
        ("200", FAIL),
        ("302 /", FAIL),
        ("302 /sorry", UNKNOWN),
        ("500", UNKNOWN),
        ("deadline", UNKNOWN),
        ("blocked-by-robots", UNKNOWN),
    ],
)
def test_missing_page(outcome, answer, expected):
    found, paths = outcome("missing-page-not-404", f"/ <h1>A</h1>\n/zu5q8 probe {answer}")
    assert (found, paths) == (expected, ["/"] if expected is FAIL else [])


def test_missing_page_that_nobody_asked_for(outcome):
    assert outcome("missing-page-not-404", "/ <h1>A</h1>") == (UNKNOWN, [])


SELF = '<link rel="canonical" href="/b">'


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/ <p>Tea.\n/b <p>Tea.", ["/", "/b"]),
        (f"/ <p>Tea.\n/b {SELF}<p>Tea.", ["/"]),
        (f"/ <p>Tea.\n/b <p>Tea.</p>{SELF}", ["/", "/b"]),
        (f"/ <p>{ABOUT} Green.\n/b <p>{ABOUT} Black.", ["/", "/b"]),
        ("/ <p>Tea.\n/b <p>Coffee.", []),
        ('/ <p>Tea.\n/b <meta name="robots" content="noindex"><p>Tea.', []),
        ("/ <p>Tea.\n/b 301 /", []),
        (f"/ {version(('de', '/b'))}<p>Tea.\n/b {version(('en', '/'))}<p>Tea.", []),
        ("/ <p>Home.\n/l?page=1 <p>Tea.\n/l?page=2 <p>Tea.", []),
    ],
)
def test_a_missing_canonical_is_graver_among_duplicates(judge, text, paths):
    assert judge(text).pages("canonical-missing") == paths


def test_what_a_missing_canonical_among_duplicates_says(judge):
    (issue, _) = judge("/ <p>Tea.\n/b <p>Tea.").of("canonical-missing")
    assert issue["message"] == (
        "No canonical is stated in head or Link header, "
        "and the main text is also that of 1 other page: https://example.com/b."
    )
    assert issue["evidence"] == {
        "observed": None,
        "locator": 'head link[rel="canonical"]',
        "pages": 2,
        "others": "https://example.com/b",
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("/ <h1>A</h1>", NOT),
        ("/ modified <h1>A</h1>\n/b not-modified <h1>B</h1>", PASS),
        ("/ not-modified <h1>A</h1>\n/b same <h1>B</h1>", FAIL),
    ],
)
def test_conditional_requests(outcome, lines, expected):
    assert outcome("conditional-get-broken", lines) == (expected, ["/"] if expected is FAIL else [])


def test_ignored_conditions_are_told_once_a_host(judge):
    judged = judge("\n".join(f"/{n} {'same' if n % 2 else 'modified'} <h1>A</h1>" for n in range(5)))
    assert [issue["message"] for issue in judged.of("conditional-get-broken")] == [
        f"2 of 5 pages asked for by validator came in full without a change, such as {EXAMPLE}/1."
    ]
