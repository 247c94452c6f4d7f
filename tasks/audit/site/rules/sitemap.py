"""What sitemaps list, compared with what was crawled."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_ROBOTS_META, GOOGLE_ROBOTS_TXT, GOOGLE_SITEMAPS
from tasks.audit.rule import Applies, Findings, NotApplicable, SiteWord, Unknown, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity

NO_SITEMAP = NotApplicable("no sitemap lists any address")

_LISTED = "FROM listed l JOIN address a USING (url) LEFT JOIN page p ON p.id = a.page WHERE "


def _judge(site: Site, message: str, condition: str, unknown: str) -> Iterator[SiteWord]:
    """On each listed address ``a`` and its page ``p``; ``unknown`` is the condition of one that cannot be judged."""
    if not site.any("FROM listed"):
        yield NO_SITEMAP
        return
    yield Findings(f"""
        SELECT coalesce(p.page_id, '') AS page_id, a.url, if(a.unverified, 'notice', NULL) AS severity,
            {message} || if(a.unverified, '; unverified', '') || '.' AS message,
            {{'observed': coalesce(a.answered::VARCHAR, a.reason), 'sitemap': l.sitemap, 'target': shown(a.leads_to),
                'canonical': shown(p.canonical), 'verified': NOT a.unverified, 'locator': 'loc'}} AS evidence
        {_LISTED} {condition}""")
    if site.any(f"FROM listed l LEFT JOIN address a USING (url) LEFT JOIN page p ON p.id = a.page WHERE {unknown}"):
        yield Unknown("listed addresses that were not fetched")


@site_rule(
    "sitemap-url-redirect",
    Severity.WARNING,
    references=(GOOGLE_SITEMAPS,),
    bad="""
        /             <a href="/new">Tea</a>
        /old          301 /new
        /new          <title>Tea</title>
        /sitemap.xml  / /old
    """,
    good="""
        /             <a href="/new">Tea</a>
        /new          <title>Tea</title>
        /sitemap.xml  / /new
    """,
)
def sitemap_url_redirect(site: Site) -> Iterator[SiteWord]:
    """A sitemap lists an address that redirects.

    A sitemap names the addresses that should be found in results; this one cannot be.

    List the address that the redirect leads to.
    """
    return _judge(
        site,
        """'The sitemap lists an address that redirects' || coalesce(' (' || a.how || ')', '')
            || coalesce(' to ' || shown(a.leads_to), '')""",
        "a.redirecting",
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "sitemap-url-error",
    Severity.ERROR,
    references=(GOOGLE_SITEMAPS,),
    bad="""
        /             <title>Tea</title>
        /gone         410
        /sitemap.xml  / /gone
    """,
    good="""
        /             <title>Tea</title>
        /sitemap.xml  /
    """,
)
def sitemap_url_error(site: Site) -> Iterator[SiteWord]:
    """A sitemap lists an address that answers with an error, or not at all.

    Search engines come for nothing, and trust the sitemap less. A notice only, since unverified: 401, 403 and 407,
    which may be meant for the scanner alone.

    Remove it from the sitemap, or restore the page.
    """
    return _judge(
        site,
        "'The sitemap lists an address that ' || did(a.ended, a.reason, a.failed)",
        "a.erring",
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "sitemap-url-noindex",
    Severity.ERROR,
    references=(GOOGLE_SITEMAPS, GOOGLE_ROBOTS_META),
    bad="""
        /             <meta name="robots" content="noindex">
        /sitemap.xml  /
    """,
    good="""
        /             <title>Tea</title>
        /sitemap.xml  /
    """,
)
def sitemap_url_noindex(site: Site) -> Iterator[SiteWord]:
    """A sitemap lists a page that forbids to be indexed.

    The two contradict each other, and the page stays out of results. An unavailable_after that has passed forbids it
    like noindex.

    Remove noindex if the page should be found; otherwise remove it from the sitemap.
    """
    return _judge(
        site,
        "'The sitemap lists a page that ' || p.forbids",
        "p.forbids IS NOT NULL",
        "p.id IS NULL AND NOT coalesce(a.redirecting OR a.erring OR a.blocked, false)",
    )


@site_rule(
    "sitemap-url-noncanonical",
    Severity.WARNING,
    references=(GOOGLE_SITEMAPS,),
    bad="""
        /             <a href="/tea?a=1">Tea</a> <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /tea?a=1      <link rel="canonical" href="/tea">
        /sitemap.xml  / /tea?a=1
    """,
    good="""
        /             <a href="/tea?a=1">Tea</a> <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /tea?a=1      <link rel="canonical" href="/tea">
        /sitemap.xml  / /tea
    """,
)
def sitemap_url_noncanonical(site: Site) -> Iterator[SiteWord]:
    """A sitemap lists a page that names another one as its canonical.

    Being listed is itself a hint that an address is the canonical one, so the two hints disagree.

    List the canonical address.
    """
    return _judge(
        site,
        "'The sitemap lists a page whose canonical is ' || shown(p.canonical)",
        "p.canonical IS NOT NULL",
        "p.id IS NULL AND NOT coalesce(a.redirecting OR a.erring OR a.blocked, false)",
    )


@site_rule(
    "sitemap-url-blocked",
    Severity.ERROR,
    references=(GOOGLE_SITEMAPS, GOOGLE_ROBOTS_TXT),
    bad="""
        /             <title>Tea</title>
        /account      blocked
        /sitemap.xml  / /account
    """,
    good="""
        /             <title>Tea</title>
        /sitemap.xml  /
    """,
)
def sitemap_url_blocked(site: Site) -> Iterator[SiteWord]:
    """A sitemap lists an address that robots.txt disallows to Googlebot.

    It asks crawlers to come and forbids it at once.

    Allow the address in robots.txt, or remove it from the sitemap.
    """
    return _judge(
        site,
        "'The sitemap lists an address that robots.txt disallows to Googlebot'",
        "a.blocked",
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "sitemap-missing-page",
    Severity.NOTICE,
    applies=Applies.COMPLETE_CRAWL,
    references=(GOOGLE_SITEMAPS,),
    bad="""
        /             <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /sitemap.xml  /
    """,
    good="""
        /             <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /sitemap.xml  / /tea
    """,
)
def sitemap_missing_page(site: Site) -> Iterator[SiteWord]:
    """An indexable page that other pages link to is in no sitemap.

    Search engines may find it later, and take it for less important than those listed. Unknown where a sitemap could
    not be read to its end.

    Let the sitemap be made from all pages that should be found.
    """
    if not site.any("FROM listed"):
        yield NO_SITEMAP
        return
    if site.any("FROM sitemaps WHERE coalesce(status, 0) <> 200 OR len(errors) > 0"):
        yield Unknown("a sitemap could not be read")
        return
    yield Findings(
        """
        SELECT p.page_id, p.url, 'No sitemap lists the page.' AS message,
            {'observed': 0, 'limit': 1, 'locator': 'loc'} AS evidence
        FROM page p JOIN inlink USING (id)
        WHERE p.indexable AND p.form NOT IN (SELECT form FROM listed)
            AND (inlink.inlinks > 0 OR p.id IN (SELECT id FROM start))"""
    )
