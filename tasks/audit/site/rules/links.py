"""Links and how they lead through the site."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_CRAWL_BUDGET, GOOGLE_LINK_REL, GOOGLE_LINKS, GOOGLE_REDIRECTS
from tasks.audit.rule import Applies, Clicks, Findings, NotApplicable, SiteWord, Unknown, site_rule
from tasks.audit.site.site import Site
from tasks.model import Reason, Severity

CONFIRMED_FAILURES = [
    reason.value for reason in (Reason.DNS, Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.TLS, Reason.RESET)
]
SMALL_SITE = 10_000

_NO_PAGE = NotApplicable("no indexable page beside the start")


@site_rule(
    "link-broken-internal",
    Severity.ERROR,
    references=(GOOGLE_LINKS,),
    bad="""
        /      <a href="/gone">Green tea</a>
        /gone  404
    """,
    good="""
        /      <a href="/tea">Tea</a> <a href="/account">Log in</a>
        /tea   <title>Tea</title>
        /account  403
    """,
)
def link_broken_internal(site: Site) -> Iterator[SiteWord]:
    """A link to the same site leads to an error, or to an address that cannot be fetched.

    It is a dead end for people and crawlers. Told on the page that has the link, once for each target, also where a
    redirect leads to the error. 401, 403, 407 and 429 are left out: they may be meant for the scanner alone.

    Correct the address, restore the page, or remove the link.
    """
    if not site.any("FROM linked WHERE internal"):
        yield NotApplicable("no internal link")
        return
    yield Findings("""
        SELECT page_id, source AS url,
            'The link "' || shown(link.text) || '" leads to ' || shown(target) || ', which '
                || if(redirecting, 'redirects' || coalesce(' to ' || shown(leads_to) || ', which ', ' and '), '')
                || did(ended, reason, failed) || '.' AS message,
            {'source': source, 'text': shown(link.text), 'position': link.position, 'rel': shown(link.rel),
                'target': target, 'status': ended, 'reason': reason, 'occurrences': occurrences, 'locator': 'a'}
                AS evidence,
            target AS key
        FROM faulty_link WHERE internal AND broken""")
    if site.any("FROM linked LEFT JOIN address USING (url) WHERE internal AND NOT coalesce(known, false)"):
        yield Unknown("internal links whose targets were not checked")


@site_rule(
    "link-broken-external",
    Severity.WARNING,
    references=(GOOGLE_LINKS,),
    bad="""
        /                      <a href="https://elsewhere.example/gone">Tea</a>
        https://elsewhere.example/gone  404
    """,
    good="""
        /                      <a href="https://elsewhere.example/">Tea</a>
        https://elsewhere.example/  200
    """,
)
def link_broken_external(site: Site) -> Iterator[SiteWord]:
    """A link to another site leads nowhere: 404, 410, or no server that answers.

    People who follow it are let down. Told on the page that has the link, once for each target. A notice only, since
    unverified: other errors, which many sites give to programs alone, and failures seen only once.

    Correct the address, link to another source, or remove the link.
    """
    if not site.any("FROM linked WHERE outward"):
        yield NotApplicable("no external link")
        return
    yield Findings(
        """
        SELECT page_id, source AS url,
            if(coalesce(ended IN (404, 410), false) OR (coalesce(list_contains($failures, reason), false)
                AND coalesce(tries, 0) > 1), NULL, 'notice') AS severity,
            'The link "' || shown(link.text) || '" leads to ' || shown(target) || ', which '
                || did(ended, reason, failed) || if(severity IS NULL, '', '; unverified') || '.' AS message,
            {'source': source, 'text': shown(link.text), 'position': link.position, 'rel': shown(link.rel),
                'target': target, 'status': ended, 'reason': reason, 'verified': severity IS NULL,
                'occurrences': occurrences, 'locator': 'a'} AS evidence,
            target AS key
        FROM faulty_link WHERE NOT internal AND wrong""",
        {"failures": CONFIRMED_FAILURES},
    )
    if site.any("FROM linked LEFT JOIN address USING (url) WHERE outward AND NOT coalesce(known, false)"):
        yield Unknown("external links that were not checked")


@site_rule(
    "link-to-redirect",
    Severity.NOTICE,
    references=(GOOGLE_REDIRECTS,),
    bad="""
        /      <a href="/old">Tea</a>
        /old   301 /new
        /new   <title>Tea</title>
    """,
    good="""
        /      <a href="/new">Tea</a>
        /new   <title>Tea</title>
    """,
)
def link_to_redirect(site: Site) -> Iterator[SiteWord]:
    """A link to the same site leads to an address that redirects.

    Each visit takes a step more, and a template repeats it on every page. Told on the page that has the link, once for
    each target; a redirect that ends in an error is told by link-broken-internal instead.

    Link to the address that the redirect leads to.
    """
    if not site.any("FROM linked WHERE internal"):
        yield NotApplicable("no internal link")
        return
    yield Findings("""
        SELECT page_id, source AS url,
            'The link "' || shown(link.text) || '" leads to ' || shown(target) || ', which redirects'
                || coalesce(' (' || how || ')', '') || coalesce(' to ' || shown(leads_to), '') || '.' AS message,
            {'source': source, 'text': shown(link.text), 'position': link.position, 'rel': shown(link.rel),
                'target': target, 'status': answered, 'leads_to': leads_to, 'occurrences': occurrences, 'locator': 'a'}
                AS evidence,
            target AS key
        FROM faulty_link WHERE internal AND redirecting AND NOT broken""")
    if site.any("FROM linked LEFT JOIN address USING (url) WHERE internal AND NOT coalesce(known, false)"):
        yield Unknown("internal links whose targets were not checked")


@site_rule(
    "nofollow-inlinks-only",
    Severity.WARNING,
    applies=Applies.COMPLETE_CRAWL,
    references=(GOOGLE_LINK_REL,),
    bad="""
        /      <a href="/tea" rel="nofollow">Tea</a>
        /tea   <title>Tea</title>
    """,
    good="""
        /      <a href="/tea" rel="nofollow">Tea</a> <a href="/tea">Tea</a>
        /tea   <title>Tea</title>
    """,
)
def nofollow_inlinks_only(site: Site) -> Iterator[SiteWord]:
    """All links to an indexable page are nofollow, or on pages that are.

    Search engines need not follow any of them, so the page is as good as unlinked.

    Remove nofollow from at least one link to it.
    """
    return _on_places(
        site,
        Findings("""
            SELECT page_id, url,
                'The page has links from ' || plural(inlinks, 'page', 'pages') || ', all nofollow.' AS message,
                {'observed': inlinks, 'limit': 0} AS evidence
            FROM place WHERE inlinks > 0 AND followed = 0"""),
    )


@site_rule(
    "orphan-page",
    Severity.WARNING,
    applies=Applies.COMPLETE_CRAWL,
    references=(GOOGLE_LINKS,),
    bad="""
        /             <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /green        <title>Green tea</title>
        /sitemap.xml  / /tea /green
    """,
    good="""
        /             <a href="/tea">Tea</a>
        /tea          <title>Tea</title>
        /sitemap.xml  / /tea
    """,
)
def orphan_page(site: Site) -> Iterator[SiteWord]:
    """No page links to an indexable page, which is known from a sitemap, a redirect or the like.

    It is hard to find, and looks as if it did not matter. The start URL is left out; pages with nofollow links alone
    are told by nofollow-inlinks-only.

    Link to it from pages on its subject, or remove it.
    """
    return _on_places(
        site,
        Findings("""
            SELECT page_id, url,
                'No page links to it' || coalesce('; it is known from ' || shown(sitemap), '') || '.' AS message,
                {'observed': 0, 'limit': 1, 'sitemap': sitemap} AS evidence
            FROM place LEFT JOIN listed USING (url) WHERE inlinks = 0"""),
    )


@site_rule(
    "near-orphan-page",
    Severity.NOTICE,
    applies=Applies.COMPLETE_CRAWL,
    references=(GOOGLE_LINKS,),
    bad="""
        /      <a href="/tea">Tea</a>
        /tea   <title>Tea</title>
    """,
    good="""
        /      <a href="/tea">Tea</a> <a href="/green">Green tea</a>
        /tea   <a href="/green">Green tea</a>
        /green <a href="/tea">Tea</a>
    """,
)
def near_orphan_page(site: Site) -> Iterator[SiteWord]:
    """Only one page has a link to an indexable page that is followed.

    One edit there, and the page can no longer be found. The start URL is left out.

    Link to it from more pages on its subject.
    """
    return _on_places(
        site,
        Findings("""
            SELECT place.page_id, place.url, 'Only ' || shown(source.url) || ' links to it.' AS message,
                {'observed': 1, 'limit': 2, 'source': source.url} AS evidence
            FROM place JOIN edge ON edge.target = place.id AND edge.followed JOIN page source ON source.id = edge.source
            WHERE place.followed = 1"""),
    )


def _on_places(site: Site, findings: Findings) -> Iterator[SiteWord]:
    if not site.any("FROM place"):
        yield _NO_PAGE
    yield findings


@site_rule(
    "click-depth-high",
    Severity.NOTICE,
    applies=Applies.COMPLETE_CRAWL,
    references=(GOOGLE_CRAWL_BUDGET,),
    bad="""
        /   <a href="/1">1</a>
        /1  <a href="/2">2</a>
        /2  <a href="/3">3</a>
        /3  <a href="/4">4</a>
        /4  <a href="/5">5</a>
        /5  <title>Tea</title>
    """,
    good="""
        /   <a href="/1">1</a>
        /1  <a href="/2">2</a>
        /2  <a href="/3">3</a>
        /3  <a href="/4">4</a>
        /4  <title>Tea</title>
    """,
)
def click_depth_high(site: Site, *, clicks: Clicks = 4) -> Iterator[SiteWord]:
    """An indexable page is many clicks away from the start URL.

    Crawlers come to deep pages less often, and people hardly ever. The shortest path of followed links counts,
    redirects are no click; sites of over 10,000 pages may be a click deeper for each tenfold size.

    Link to it from pages further up, or shorten paginated lists on the way.
    """
    if not site.any("FROM page JOIN node USING (id) WHERE indexable AND depth > 0"):
        yield _NO_PAGE
    limit = clicks + _tenfolds(site.count("FROM page WHERE html"))
    yield Findings(
        """
        SELECT page_id, url,
            'The page is ' || depth || ' clicks away from the start, more than ' || $limit || '.' AS message,
            {'observed': depth, 'limit': $limit, 'unit': 'clicks'} AS evidence
        FROM page JOIN node USING (id) WHERE indexable AND depth > $limit""",
        {"limit": limit},
    )


def _tenfolds(pages: int) -> int:
    """How often the site is ten times as large as a small one, begun tenfolds counting."""
    return len(str((pages - 1) // SMALL_SITE)) if pages > SMALL_SITE else 0
