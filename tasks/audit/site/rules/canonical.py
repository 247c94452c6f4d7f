"""Where canonicals lead. A canonical that names the page itself, or that search engines ignore, is not judged."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_CANONICAL, RFC6596
from tasks.audit.rule import Findings, NotApplicable, SiteWord, Unknown, second_look, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity

NONE = NotApplicable("no page names another one as its canonical")
NOT_SEEN = Unknown("canonicals that were not fetched")

_KNOWN = "FROM page p LEFT JOIN address a ON a.url = p.canonical WHERE p.canonical IS NOT NULL AND "


def _judge(site: Site, findings: Findings, unknown: str) -> Iterator[SiteWord]:
    """``unknown``: a condition on page ``p`` and address ``a`` for a canonical that cannot be judged."""
    if not site.any("FROM page WHERE canonical IS NOT NULL"):
        yield NONE
        return
    yield findings
    if site.any(_KNOWN + unknown):
        yield NOT_SEEN


@site_rule(
    "canonical-to-redirect",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL,),
    bad="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/old">
        /old  301 /new
        /new  <title>Tea</title>
    """,
    good="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/new">
        /new  <title>Tea</title>
    """,
)
def canonical_to_redirect(site: Site) -> Iterator[SiteWord]:
    """A canonical is an address that redirects.

    The two signals disagree, and search engines may ignore the canonical.

    Name the address that the redirect leads to.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url,
                'The canonical ' || shown(a.url) || ' redirects' || coalesce(' (' || a.how || ')', '')
                    || coalesce(' to ' || shown(a.leads_to), '') || '.' AS message,
                {'observed': shown(a.url), 'status': a.answered, 'target': shown(a.leads_to),
                    'locator': 'link[rel="canonical"]'} AS evidence,
                a.url AS key
            FROM page p JOIN address a ON a.url = p.canonical WHERE a.redirecting"""),
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "canonical-to-error",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL,),
    bad="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/gone">
        /gone 404
    """,
    good="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/">
    """,
)
def canonical_to_error(site: Site) -> Iterator[SiteWord]:
    """A canonical is an address that answers with an error, or not at all.

    Search engines ignore it, and may come to drop the page together with it. A notice only, since unverified: 401, 403
    and 407, which may be meant for the scanner alone; out of scope also 405, server errors and failures seen only once.

    Name a page that is there: mostly the page itself.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url, if(a.unverified, 'notice', NULL) AS severity,
                'The canonical ' || shown(a.url) || ' ' || did(a.ended, a.reason, a.failed)
                    || if(a.unverified, '; unverified', '') || '.' AS message,
                {'observed': shown(a.url), 'status': a.ended, 'reason': a.reason, 'verified': NOT a.unverified,
                    'locator': 'link[rel="canonical"]'} AS evidence,
                a.url AS key
            FROM page p JOIN address a ON a.url = p.canonical WHERE a.erring"""),
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "canonical-to-noindex",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL,),
    bad="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/all">
        /all  <meta name="robots" content="noindex">
    """,
    good="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/all">
        /all  <title>All teas</title>
    """,
)
def canonical_to_noindex(site: Site) -> Iterator[SiteWord]:
    """A canonical is a page that forbids to be indexed.

    One says "list that page instead", the other "do not list me": both may be left out. An unavailable_after that has
    passed forbids it like noindex.

    Remove noindex from the canonical page, or let the page name itself.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url, 'The canonical ' || shown(c.url) || ' ' || c.forbids || '.' AS message,
                {'observed': shown(c.url), 'locator': 'link[rel="canonical"]'} AS evidence, c.url AS key
            FROM page p JOIN page c ON c.id = p.canon WHERE c.forbids IS NOT NULL"""),
        "p.canon IS NULL AND NOT coalesce(a.redirecting OR a.erring, false)",
    )


@site_rule(
    "canonical-to-blocked",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL,),
    bad="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/all">
        /all  blocked
    """,
    good="""
        /     <a href="/tea">Tea</a>
        /tea  <link rel="canonical" href="/all">
        /all  <title>All teas</title>
    """,
)
def canonical_to_blocked(site: Site) -> Iterator[SiteWord]:
    """A canonical is an address that robots.txt disallows to Googlebot.

    Search engines cannot look whether it is the same page, and may list it without any content.

    Allow the canonical page in robots.txt, or let the page name itself.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url,
                'The canonical ' || shown(a.url) || ' is disallowed to Googlebot by robots.txt.' AS message,
                {'observed': shown(a.url), 'locator': 'link[rel="canonical"]'} AS evidence, a.url AS key
            FROM page p JOIN address a ON a.url = p.canonical WHERE a.blocked"""),
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "canonical-chain",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL, RFC6596),
    bad="""
        /       <a href="/tea?a=1">Tea</a>
        /tea?a=1 <link rel="canonical" href="/tea">
        /tea     <link rel="canonical" href="/teas">
        /teas    <title>Teas</title>
    """,
    good="""
        /        <a href="/tea?a=1">Tea</a>
        /tea?a=1 <link rel="canonical" href="/teas">
        /tea     <link rel="canonical" href="/teas">
        /teas    <link rel="canonical" href="/teas">
    """,
)
def canonical_chain(site: Site) -> Iterator[SiteWord]:
    """A canonical is a page that names yet another one as its canonical.

    Hints lose weight over several steps, and search engines may follow only the first. Where the steps lead back to the
    page, canonical-loop tells it instead.

    Name the page at the end of the chain.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url,
                'The canonical ' || shown(c.url) || ' names another one: ' || shown(c.canonical) || '.' AS message,
                {'observed': shown(c.url), 'target': shown(c.canonical), 'locator': 'link[rel="canonical"]'}
                    AS evidence,
                c.url AS key
            FROM page p JOIN page c ON c.id = p.canon JOIN cluster ON cluster.id = p.id
            WHERE c.canonical IS NOT NULL AND NOT cluster.looping"""),
        "p.canon IS NULL AND NOT coalesce(a.redirecting OR a.erring, false)",
    )


@site_rule(
    "canonical-loop",
    Severity.ERROR,
    references=(GOOGLE_CANONICAL, RFC6596),
    bad="""
        /      <a href="/tea">Tea</a>
        /tea   <link rel="canonical" href="/teas">
        /teas  <link rel="canonical" href="/tea">
    """,
    good="""
        /      <a href="/tea">Tea</a>
        /tea   <link rel="canonical" href="/teas">
        /teas  <link rel="canonical" href="/teas">
    """,
)
def canonical_loop(site: Site) -> Iterator[SiteWord]:
    """Following canonicals leads back to the page.

    No page of the loop says that it is the one to be listed, so search engines choose one themselves.

    Choose one of them, and let all of them name it.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url, 'The canonical ' || shown(p.canonical) || ' leads back to the page.' AS message,
                {'observed': shown(p.canonical), 'locator': 'link[rel="canonical"]'} AS evidence, p.canonical AS key
            FROM page p JOIN cluster USING (id) WHERE cluster.looping"""),
        "p.canon IS NULL AND NOT coalesce(a.redirecting OR a.erring, false)",
    )


@second_look("canonical-missing")
def canonical_missing(_: Site) -> Iterator[SiteWord]:
    """Pages without a canonical that have duplicates: there it is needed."""
    yield Findings(
        """
        WITH twin AS (
            SELECT id, min(kind) AS kind, arg_min(others, kind) AS others, arg_min(urls, kind) AS urls
            FROM shared WHERE kind IN ('content', 'near') GROUP BY id)
        SELECT p.page_id, p.url, 'warning' AS severity, 'notice' AS raised_from,
            'No canonical is stated in head or Link header'
                || if(coalesce(len(facts.canonicals), 0) > 0, ', only in body', '') || ', and the main text is '
                || if(twin.kind = 'near', 'nearly', 'also') || ' that of '
                || plural(others, 'other page', 'other pages') || ': ' || urls || if(others > 3, ', …', '') || '.'
                AS message,
            {'observed': NULL, 'locator': 'head link[rel="canonical"]', 'pages': others + 1, 'others': urls}
                AS evidence
        FROM twin JOIN page p USING (id) JOIN pages facts USING (page_id)
        WHERE len(list_filter(coalesce(facts.canonicals, []), lambda stated: stated.in_head)) = 0"""
    )
