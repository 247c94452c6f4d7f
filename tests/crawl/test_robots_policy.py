"""robots.txt: RFC 9309, Google's reading, hostile files; protego, naive matching and themselves as oracles."""

import pickle
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from protego import Protego

from tasks.crawl.robots import ALLOW_ALL, DISALLOW_ALL, RobotsPolicy, outcome_of, product_token
from tasks.crawl.robots_lines import MAX_BYTES
from tasks.crawl.robots_rules import Rule, RuleSet, path_of
from tasks.model import FetchFailure, Reason, Response

SITE = "https://site.example"


def policy(text):
    return RobotsPolicy.parse(text if isinstance(text, bytes) else text.encode())


def allowed(text, path, agent="foobot"):
    return policy(text).allows(agent, SITE + path)


def for_all(*rules):
    return "\n".join(("User-agent: *", *rules))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [  # https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt#url-matching-based-on-path-values
        ("/", ["/", "/any?x=1"], []),
        ("/*", ["/", "/any"], []),
        ("/$", ["/"], ["/any", "/?x"]),
        (
            "/fish",
            ["/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fish.php?id=anything"],
            ["/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"],
        ),
        ("/fish*", ["/fish", "/fish.html", "/fish.php?id=anything"], ["/Fish.asp", "/catfish", "/?id=fish"]),
        ("/fish/", ["/fish/", "/fish/?id=anything", "/fish/salmon.htm"], ["/fish", "/fish.html", "/animals/fish/"]),
        ("/*.php", ["/index.php", "/folder/any.php.file.html", "/a.php/", "/filename.php?x"], ["/", "/windows.PHP"]),
        ("/*.php$", ["/filename.php", "/folder/filename.php"], ["/filename.php?parameters", "/filename.php/", "/x"]),
        ("/fish*.php", ["/fish.php", "/fishheads/catfish.php?parameters"], ["/Fish.PHP"]),
        ("*/private", ["/private", "/a/private/b"], ["/priv"]),
        ("/a*a*a$", ["/aaa", "/abaca"], ["/aa", "/aaab"]),
        ("/x?", ["/x?", "/x?y"], ["/x", "/xy"]),
        ("fish", [], ["/fish", "/fis", "/"]),
        ("", [], ["/", "/a"]),
    ],
)
def test_patterns(pattern, matching, other):
    rules = policy(for_all(f"Disallow: {pattern}"))
    assert [path for path in (*matching, *other) if not rules.allows("foobot", SITE + path)] == matching


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [  # RFC 9309, section 5.2 and Google's order of precedence
        (["Allow: /p", "Disallow: /"], "/page", True),
        (["Allow: /folder", "Disallow: /folder"], "/folder/page", True),
        (["Disallow: /folder", "Allow: /folder"], "/folder/page", True),
        (["Allow: /page", "Disallow: /*.htm"], "/page.htm", False),
        (["Allow: /page", "Disallow: /*.ph"], "/page.php5", True),
        (["Allow: /$", "Disallow: /"], "/", True),
        (["Allow: /$", "Disallow: /"], "/page.htm", False),
        (["Allow: /example/page/", "Disallow: /example/page/disallowed.gif"], "/example/page/disallowed.gif", False),
        (["Disallow: /x/", "Allow:", "Allow: /x/y"], "/x/y", True),
        (["Disallow: /", "Allow: /docs/index.html"], "/docs/", True),
        (["Disallow: /", "Allow: /docs/index.html"], "/docs/index.htm", False),
        (["Disallow: /", "Allow: /docs/index.htm"], "/docs/other", False),
        (["Disallow: /a**b", "Allow: /a*b"], "/a/b", False),
    ],
)
def test_the_longest_match_wins_and_allow_wins_ties(rules, path, expected):
    assert allowed(for_all(*rules), path) is expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [  # RFC 9309, section 2.2.2 and 2.2.3
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/ツ"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7a"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
        ("/price$now", "/price$now"),
        ("/a b", "/a%20b"),
        ("/say?'", "/say?%27hello%27"),
        ("/100%", "/100%25"),
        ("/~joe", "/%7Ejoe/"),
    ],
)
def test_one_spelling_on_both_sides(pattern, path):
    assert not allowed(for_all(f"Disallow: {pattern}"), path)


@pytest.mark.parametrize(("pattern", "path"), [("/a%2Fb", "/a/b"), ("/a/b", "/a%2Fb"), ("/a%3Fb", "/a?b")])
def test_reserved_characters_are_not_what_they_encode(pattern, path):
    assert allowed(for_all(f"Disallow: {pattern}"), path)


def test_bytes_that_are_not_utf8_are_compared_as_bytes():
    rules = policy(b"User-agent: *\nDisallow: /caf\xe9")
    assert not rules.allows("foobot", f"{SITE}/caf%E9/x")
    assert rules.allows("foobot", f"{SITE}/caf%C3%A9")


GROUPS = """
User-agent: foobot
User-agent: BarBot/2.1
Disallow: /both

User-agent: *
Disallow: /others

User-agent: Foobot news
Disallow: /more
"""


@pytest.mark.parametrize(
    ("agent", "blocked"),
    [
        ("foobot", ["/both", "/more"]),
        ("FOOBOT/3.0 (+https://foo.example/)", ["/both", "/more"]),
        ("Mozilla/5.0 (compatible; Foobot/2.1; +http://foo.example/bot.html)", ["/both", "/more"]),
        ("Mozilla/5.0 (Linux; Android 6) Mobile Safari/537.36 (compatible; barbot/2.1)", ["/both"]),
        ("barbot", ["/both"]),
        ("foobot-news", ["/others"]),
        ("foo", ["/others"]),
        ("", ["/others"]),
        ("(+https://nobody.example)", ["/others"]),
    ],
)
def test_groups(agent, blocked):
    rules = policy(GROUPS)
    assert [path for path in ("/both", "/others", "/more") if not rules.allows(agent, SITE + path)] == blocked


WEBKIT, CHROME = "AppleWebKit/537.36 (KHTML, like Gecko", "Chrome/131.0.0.0 Safari/537.36"
GOOGLE, BING = "Googlebot/2.1; +http://www.google.com/bot.html", "bingbot/2.0; +http://www.bing.com/bingbot.htm"


@pytest.mark.parametrize(
    ("agent", "token"),
    [
        (f"Mozilla/5.0 {WEBKIT}; compatible; {GOOGLE}) {CHROME}", "googlebot"),
        (f"Mozilla/5.0 (Linux; Android 6.0.1) {WEBKIT}) {CHROME} (compatible; {GOOGLE})", "googlebot"),
        (f"Mozilla/5.0 {WEBKIT}; compatible; {BING}) {CHROME}", "bingbot"),
        (f"Mozilla/5.0 {WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "gptbot"),
        (f"Mozilla/5.0 (Macintosh) {WEBKIT}) {CHROME} (Applebot/0.1; +http://www.apple.com/go/applebot)", "applebot"),
        ("Mozilla/5.0 (compatible;PetalBot;+https://webmaster.petalsearch.com/site/petalbot)", "petalbot"),
        ("seo-scan/1.0 (Foobot/2; +https://foo.example/)", "seo-scan"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebookexternalhit"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT}) {CHROME}", "mozilla"),
    ],
)
def test_names_in_headers_like_those_of_browsers(agent, token):
    assert product_token(agent) == token


def test_nobody_but_the_named_is_concerned():
    assert allowed("User-agent: other\nDisallow: /", "/x")
    assert allowed("Disallow: /\n", "/x")
    assert not allowed("User-agent: *\nDisallow: /\nUser-agent: other\nDisallow:", "/x")


@pytest.mark.parametrize(
    "between", ["", "\n\n", "Sitemap: https://a.example/s.xml\n", "Crawl-delay: 3\n", "Foo: bar\n"]
)
def test_only_rules_end_the_agents_of_a_group(between):
    text = f"User-agent: a\n{between}User-agent: b\nDisallow: /\n"
    assert (allowed(text, "/x", "a"), allowed(text, "/x", "b")) == (False, False)


def test_unknown_lines_between_rules_do_not_end_a_group():
    text = "User-agent: a\nDisallow: /x\nNoindex: /q\nfoo\n\nSitemap: /\nDisallow: /y"
    assert [allowed(text, path, "a") for path in ("/x", "/y", "/q")] == [False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "user-agent: *\rdisallow: /x",
        "USER-AGENT:*\r\nDISALLOW:/x\r\n",
        "\ufeffUser-agent: *\nDisallow: /x",
        "  User-agent \t:  * # all\n\tDisallow : /x# here",
        "User-agent *\nDisallow /x",
        "Useragent: *\nDissallow: /x",
        "User agent: * crawlers\nDisallowed: /x",
        "# c\n\n\x00\nUser-agent: *\n\x00\nDisallow: /x",
        b"\xff\xfe\nUser-agent: *\nDisallow: /x",
    ],
)
def test_spellings_of_lines(text):
    assert (allowed(text, "/x"), allowed(text, "/y")) == (False, True)


def test_robots_txt_itself_is_allowed():
    assert DISALLOW_ALL.allows("foobot", f"{SITE}/robots.txt")
    assert not DISALLOW_ALL.allows("foobot", f"{SITE}/robots.txt.bak")
    assert not DISALLOW_ALL.allows("foobot", f"{SITE}/x/robots.txt")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example", "/"),
        ("https://a.example?x=/y", "/?x=/y"),
        ("https://a.example#x", "/"),
        ("https://a.example/b/?c=https://d.example/#e", "/b/?c=https://d.example/"),
        ("/b?c", "/b?c"),
        ("", "/"),
        ("https://a.example/\udcff*", "/%ED%B3%BF%2A"),
    ],
)
def test_path_of(url, path):
    assert path_of(url) == path


def test_only_the_first_500_kib_are_read_without_the_line_they_cut():
    rule, filler = "Disallow: /private", "# filler\n" * (MAX_BYTES // 9 + 1)
    start = "User-agent: *\nDisallow: /first\n"
    whole = start + filler[: MAX_BYTES - len(start) - len(rule) - 1] + "\n" + rule
    assert len(whole) == MAX_BYTES
    assert not allowed(whole, "/private")
    assert [allowed(f"#{whole}/and/more", path) for path in ("/private", "/first")] == [True, True]
    assert [allowed(f"{whole}/and/more", path) for path in ("/private", "/priv", "/first")] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        ("User-agent: *\nCrawl-delay: 3600", 30.0),
        ("User-agent: *\nCrawl-delay: 5\nUser-agent: foobot\nDisallow: /x", None),
        ("User-agent: foobot\nCrawl-delay: 10\nUser-agent: *\nCrawl-delay: 1\nDisallow: /", 10.0),
        ("User-agent: foobot\nUser-agent: b\nDisallow: /x\nCrawl-delay: 4", 4.0),
        ("User-agent: foobot\nCrawl-delay: 1\nCrawl-delay: 7", 7.0),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: *\nCrawl-delay: nan", None),
        ("User-agent: *\nCrawl-delay: 1e999", None),
        ("User-agent: *\nCrawl-delay: \xa010s", None),
        ("Crawl-delay: 5", None),
    ],
)
def test_crawl_delay(text, expected):
    assert policy(text).crawl_delay("foobot") == expected


def test_many_agents_with_many_delays_are_read_in_one_go():
    """Each line for each agent would take minutes."""
    body = b"".join(b"User-agent: bot%d\n" % n for n in range(12_000)) + b"Crawl-delay: 2\n" * 12_000
    found = RobotsPolicy.parse(body + b"Crawl-delay: 3\n")
    assert {found.crawl_delay(agent) for agent in ("bot0", "bot11999")} == {3.0}


def test_sitemaps_are_absolute_and_named_once():
    text = "Sitemap: https://A.example/s.xml\nUser-agent: x\nsitemap:https://a.example/s.xml # same\n"
    text += "Site-map: http://b.example/ä.xml.gz\nSitemap: /relative.xml\nSitemap: ftp://a.example/s\nSitemap:\n"
    text += "Sitemap https://c.example/s.xml"
    found = policy(text)
    assert found.sitemaps == (
        "https://a.example/s.xml",
        "http://b.example/%C3%A4.xml.gz",
        "https://c.example/s.xml",
    )
    assert [problem.line for problem in found.syntax_errors] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Disallow", "no colon"),
        ("<html>", "no colon"),
        ("Disallow /x", "no colon after the directive"),
        ("Foo: bar", "unknown directive"),
        ("foo bar: baz", "unknown directive"),
        ("Dissallow: /x", "unknown directive dissallow, read as disallow by some crawlers"),
        ("Disallow: x", "the pattern does not start with / or *"),
        ("Allow: https://site.example/", "the pattern does not start with / or *"),
        ("Sitemap: /sitemap.xml", "not an absolute http or https address"),
        ("Sitemap: javascript:alert(1)", "not an absolute http or https address"),
        ("User-agent:", "names no user agent"),
        ("Crawl-delay: soon", "not a number of seconds"),
    ],
)
def test_a_problem_names_its_line(line, why):
    found = policy(f"# comment\nUser-agent: *\r\nDisallow:\n{line} # why\n").syntax_errors
    assert [(problem.line, problem.text, problem.why) for problem in found] == [(4, line, why)]


@pytest.mark.parametrize("line", ["Allow: /", "Disallow: /", "Crawl-delay: 1"])
def test_rules_before_any_user_agent_are_a_problem(line):
    found = policy(f"{line}\nUser-agent: *\n{line}").syntax_errors
    assert [(problem.line, problem.why) for problem in found] == [(1, "stands before any user-agent line")]


def test_a_good_file_has_no_problem():
    text = "User-agent: *\nDisallow:\nAllow: /x$\nDisallow: *.pdf\nCrawl-delay: 1\nHost: a.example\nClean-param: s /\n"
    text += "Request-rate: 1/5\nVisit-time: 0600-0845\nContent-Signal: search=yes\nSitemap: https://a.example/s.xml\n"
    assert policy(text).syntax_errors == ()


def test_problems_are_bounded_and_fit_to_print():
    found = policy(b"\x1b[31m" + b"x" * 5000 + b"\n" + b"y\n" * 200_000).syntax_errors
    assert len(found) == 100
    assert found[0].text == "\\x1b[31m" + "x" * 192 + "…"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["Disallow: /"], True),
        (["Disallow: *"], True),
        (["Disallow: /*$"], True),
        (["Disallow: /", "Allow:"], True),
        (["Disallow: /*", "Allow: /"], True),
        (["Disallow: /", "Allow: relative"], True),
        (["Disallow: /", "Allow: /"], False),
        (["Disallow: /", "Allow: /public/"], False),
        (["Disallow: /$"], False),
        (["Disallow: */"], True),
        (["Disallow: /*/"], False),
        (["Disallow: /a"], False),
        (["Disallow:"], False),
        ([], False),
    ],
)
def test_blocks_all(rules, expected):
    found = policy(for_all(*rules))
    assert found.blocks_all("Googlebot") is expected
    assert policy("User-agent: googlebot\nAllow: /\n" + for_all(*rules)).blocks_all("Googlebot") is False


def test_the_two_constants():
    assert ALLOW_ALL.allows("a", SITE)
    assert not DISALLOW_ALL.allows("a", SITE)
    assert DISALLOW_ALL.blocks_all("a")


def test_a_policy_travels_between_processes():
    there = pickle.loads(pickle.dumps(policy(GROUPS)))  # noqa: S301 - our own
    assert (there.allows("foobot", "/both"), there.allows("foobot", "/others")) == (False, True)


def response(status, body=b"User-agent: *\nDisallow: /x"):
    return Response(url=f"{SITE}/robots.txt", status=status, body=body)


def failure(reason, status=None):
    return FetchFailure(url=f"{SITE}/robots.txt", reason=reason, status=status)


@pytest.mark.parametrize("status", [301, 304, 400, 401, 403, 404, 410, 451])
def test_a_missing_file_allows_all(status):
    assert outcome_of(response(status)) is ALLOW_ALL


@pytest.mark.parametrize("status", [429, 500, 503, 599, 999])
def test_an_unwell_server_is_asked_again(status):
    assert outcome_of(response(status)) is None


def test_success_is_parsed():
    found = outcome_of(response(200))
    assert found is not None
    assert (found.allows("a", "/x"), found.allows("a", "/y")) == (False, True)


@pytest.mark.parametrize("reason", Reason)
def test_failures(reason):
    nowhere = {Reason.TOO_MANY_REDIRECTS, Reason.REDIRECT_LOOP, Reason.INVALID_REDIRECT}
    assert outcome_of(failure(reason)) is (ALLOW_ALL if reason in nowhere else None)


def test_a_failing_answer_counts_by_its_status():
    assert outcome_of(failure(Reason.TRUNCATED, 404)) is ALLOW_ALL
    assert outcome_of(failure(Reason.TRUNCATED, 503)) is None
    assert outcome_of(failure(Reason.TRUNCATED, 200)) is None


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=60))
@example(b"user-agent: *\ndisallow: /%\nallow: *$*$", "\udcff", "/\udcff%")
def test_any_bytes_are_a_policy(body, agent, url):
    found = RobotsPolicy.parse(body)
    assert found.allows(agent, url) in {True, False}
    assert found.crawl_delay(agent) is None
    assert product_token(agent) == product_token(agent).lower()


paths = st.text("/ab?=.", max_size=10).map("/{}".format)
patterns = st.text("/ab*$.", max_size=8).map("/{}".format)
rules = st.lists(st.tuples(st.booleans(), patterns), max_size=8)


def naive(pattern, path):
    anchored = pattern.endswith("$")
    body = ".*".join(re.escape(part) for part in pattern.removesuffix("$").split("*"))
    return re.match(f"{body}{'$' if anchored else ''}", path) is not None


@given(rules, paths)
def test_the_compiled_rules_are_the_longest_naive_match(drawn, path):
    matching = [(len(pattern.replace("$", "%24", pattern.count("$") - pattern.endswith("$"))), allow)
                for allow, pattern in drawn if naive(pattern, path)]  # fmt: skip
    assert RuleSet(Rule(*rule) for rule in drawn).allows(path) is max(matching, default=(0, True))[1]


@given(rules, paths)
def test_what_blocks_all_blocks_any(drawn, path):
    found = RuleSet(Rule(*rule) for rule in drawn)
    assert not (found.blocks_all and found.allows(path))


agents = st.sampled_from(["*", "alpha", "beta", "Alpha", "BETA/1.0"])
lines = st.one_of(
    agents.map("User-agent: {}".format),
    st.text("/ab*.é", max_size=6).map("Disallow: /{}".format),
    st.text("/ab*.é", max_size=6).map("Allow: /{}".format),
    st.sampled_from(["Disallow:", "Sitemap: https://a.example/", "", "# c", "Disallow: /a$", "Allow: /*b$"]),
)


@given(st.lists(lines, max_size=12), st.sampled_from(["alpha", "beta", "gamma"]), st.text("/ab.é", max_size=8))
def test_protego_agrees_where_both_follow_the_rfc(drawn, agent, path):
    """Not compared, as protego differs on purpose or by mistake.

    It finds a token at the start of a longer one, lets a crawl-delay end the agents of a group, takes %26 for &,
    splits lines at characters that are no line ends, counts a ``$`` inside a pattern twice, and reads a version after
    a token as part of it.
    """
    text = "\n".join(["User-agent: *", "Disallow: /start", *drawn])
    bare = text.replace("/1.0", "")
    assert allowed(text, f"/{path}", agent) is Protego.parse(bare).can_fetch(f"{SITE}/{path}", agent)


@pytest.mark.parametrize(
    "pattern",
    ["/" + "*a" * 2000, "/" + "*a" * 2000 + "$", "/" + "a*" * 2000 + "b", "/*" + "ab" * 4000, "*" * 8000 + "b$"],
)
def test_patterns_made_to_take_for_ever(pattern):
    found = policy(for_all(*[f"Disallow: {pattern}"] * 20))
    assert found.allows("foobot", f"{SITE}/{'a' * 1900}c")


def test_500_kib_of_anything():
    for make in ("Disallow: /p{}", "Allow: *{}w$", "User-agent: a{}"):
        body = "User-agent: *\n" + "".join(f"{make.format(number)}\n" for number in range(60_000))
        assert policy(body).allows("a", f"{SITE}/{'a' * 2000}")
    shared = "".join(f"User-agent: a{number}\n" for number in range(15_000)) + "Disallow: /x\n" * 15_000
    assert policy(shared).allows("a7", f"{SITE}/x") is False
