"""robots.txt of every origin, and what it keeps crawlers from."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_ROBOTS_META, GOOGLE_ROBOTS_TXT, RFC9309
from tasks.audit.rule import Applies, Findings, NotApplicable, Pages, Percent, SiteWord, Unknown, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity

NOT_READ = Unknown("robots.txt was not read")
NO_FILE = NotApplicable("no robots.txt")


@site_rule(
    "blocked-by-robots",
    Severity.NOTICE,
    category="indexability",
    of_lists=True,
    references=(GOOGLE_ROBOTS_TXT, RFC9309),
    bad="""
        /         <a href="/account">Account</a>
        /account  blocked
    """,
    good="""
        /         <a href="/tea">Tea</a>
        /tea      <title>Tea</title>
    """,
)
def blocked_by_robots(site: Site) -> Iterator[SiteWord]:
    """robots.txt disallows Googlebot an address that is linked, or was named to be scanned.

    Crawlers do not read it; search engines may still list the bare address. Fine for what nobody should search for. The
    group for Googlebot counts, or the one for all where it has none, not what the scanner itself may fetch. Addresses
    known from a sitemap alone are told by sitemap-url-blocked.

    Allow it if it should be found. To keep a page out of results use noindex, and allow it so that this is read.
    """
    yield Findings(
        """
        SELECT page_id, url,
            'robots.txt disallows Googlebot the address' || if(redirecting, ' or the one it redirects to.', '.')
                AS message,
            {'observed': 'disallowed', 'inlinks': inlinks, 'locator': 'robots.txt'} AS evidence
        FROM page JOIN inlink USING (id)
        WHERE blocked AND (inlinks > 0 OR url NOT IN (SELECT url FROM listed) OR id IN (SELECT id FROM start))"""
    )
    if not site.any("FROM robots") and not site.any("FROM pages WHERE blocked_by_robots IS NOT NULL"):
        yield NOT_READ


@site_rule(
    "robots-txt-unreachable",
    Severity.ERROR,
    category="indexability",
    applies=Applies.SITE,
    of_lists=True,
    references=(GOOGLE_ROBOTS_TXT, RFC9309),
    bad="""
        /            <title>Tea</title>
        /robots.txt  503
    """,
    good="""
        /            <title>Tea</title>
        /robots.txt  404
    """,
)
def robots_txt_unreachable(site: Site) -> Iterator[SiteWord]:
    """robots.txt answers with a server error or 429, or not at all.

    Crawlers must then take the whole site as disallowed. Google stops for 12 hours, goes by the last copy it read for
    up to 30 days, and from then on crawls as if there were no file, where the site itself answers.

    Answer 200 with the file, or 404 where there is none.
    """
    if not site.any("FROM robots"):
        yield NOT_READ
        return
    yield Findings("""
        SELECT '' AS page_id, robots_of(origin) AS url,
            'robots.txt ' || did(status, reason, status IS NULL) || '.' AS message,
            {'observed': coalesce(status::VARCHAR, reason), 'status': status, 'reason': reason} AS evidence
        FROM robots WHERE coalesce(status >= 500 OR status = 429, reason <> 'address-refused', false)""")


@site_rule(
    "robots-txt-blocks-all",
    Severity.ERROR,
    category="indexability",
    applies=Applies.SITE,
    of_lists=True,
    references=(GOOGLE_ROBOTS_TXT, RFC9309),
    bad="""
        /            blocked
        /robots.txt  User-agent: * | Disallow: /
    """,
    good="""
        /            <title>Tea</title>
        /robots.txt  User-agent: * | Disallow: /account
    """,
)
def robots_txt_blocks_all(site: Site) -> Iterator[SiteWord]:
    """robots.txt disallows Googlebot the whole site.

    No page is crawled, and in time none is found. Often left over from a staging server.

    Remove the line "Disallow: /" from the group that is in force.
    """
    if not site.any("FROM robots"):
        yield NOT_READ
        return
    if not site.any("FROM robots WHERE status BETWEEN 200 AND 299"):
        yield NO_FILE
    yield Findings("""
        SELECT '' AS page_id, robots_of(origin) AS url, 'robots.txt disallows Googlebot the whole site.' AS message,
            {'observed': 'Disallow: /', 'locator': 'robots.txt'} AS evidence
        FROM robots WHERE status BETWEEN 200 AND 299 AND blocks_all""")


@site_rule(
    "robots-txt-syntax",
    Severity.WARNING,
    category="indexability",
    applies=Applies.SITE,
    of_lists=True,
    references=(GOOGLE_ROBOTS_TXT, RFC9309),
    bad="""
        /            <title>Tea</title>
        /robots.txt  User-agent: * | Forbid: /account
    """,
    good="""
        /            <title>Tea</title>
        /robots.txt  User-agent: * | Disallow: /account
    """,
)
def robots_txt_syntax(site: Site) -> Iterator[SiteWord]:
    """A line of robots.txt means nothing to some or all crawlers.

    They skip it, so what it was meant to allow or forbid does not happen.

    Correct the line: a known directive, a colon, and a value that it takes, in a group that begins with User-agent.
    """
    if not site.any("FROM robots"):
        yield NOT_READ
        return
    if not site.any("FROM robots WHERE status BETWEEN 200 AND 299"):
        yield NO_FILE
    yield Findings("""
        WITH fault AS (
            SELECT robots_of(origin) AS url, unnest(syntax_errors, recursive := true)
            FROM robots WHERE status BETWEEN 200 AND 299)
        SELECT '' AS page_id, url,
            'Line ' || min(line) || ' of robots.txt, "' || shown(text) || '", is not read by all crawlers: '
                || any_value(shown(why)) || '.' AS message,
            {'observed': shown(text), 'line': min(line), 'why': any_value(shown(why)), 'occurrences': count(*),
                'locator': 'line ' || min(line)} AS evidence,
            text AS key
        FROM fault GROUP BY url, text""")


@site_rule(
    "noindex-share-high",
    Severity.ERROR,
    category="indexability",
    applies=Applies.SITE,
    references=(GOOGLE_ROBOTS_META,),
    bad="""
        /   <a href="/1">1</a> <a href="/2">2</a> <a href="/3">3</a> <a href="/4">4</a> <a href="/5">5</a>
        /1  <meta name="robots" content="noindex">
        /2  <meta name="robots" content="noindex">
        /3  <meta name="robots" content="noindex">
        /4  <meta name="robots" content="noindex">
        /5  <meta name="robots" content="noindex"> <a href="/6">6</a> <a href="/7">7</a> <a href="/8">8</a>
        /6  <meta name="robots" content="noindex">
        /7  <meta name="robots" content="noindex">
        /8  <meta name="robots" content="noindex">
        /9  <title>Tea</title>
    """,
    good="""
        /   <a href="/1">1</a> <a href="/2">2</a> <a href="/3">3</a> <a href="/4">4</a> <a href="/5">5</a>
        /1  <meta name="robots" content="noindex">
        /2  <meta name="robots" content="noindex">
        /3  <meta name="robots" content="noindex">
        /4  <meta name="robots" content="noindex">
        /5  <meta name="robots" content="noindex"> <a href="/6">6</a> <a href="/7">7</a> <a href="/8">8</a>
        /6  <meta name="robots" content="noindex">
        /7  <meta name="robots" content="noindex">
        /8  <title>Green tea</title>
        /9  <title>Black tea</title>
    """,
)
def noindex_share_high(site: Site, *, percent: Percent = 80, pages: Pages = 10) -> Iterator[SiteWord]:
    """Most or all pages of the site are noindex.

    Hardly anything of it can be found: mostly the setting of a staging server that went live.

    Remove noindex from the template, or the X-Robots-Tag header from the server's settings.
    """
    crawled = site.count("FROM page WHERE html")
    if crawled < pages:
        yield NotApplicable("too few pages")
        return
    hidden = site.count("FROM page WHERE html AND noindex")
    if hidden * 100 < percent * crawled:
        return
    yield Findings(
        """
        SELECT '' AS page_id, $start AS url,
            if($hidden = $crawled, 'All ' || $crawled || ' pages are noindex.',
                $hidden || ' of ' || $crawled || ' pages are noindex.') AS message,
            {'observed': round($hidden * 100 / $crawled, 1), 'limit': $percent, 'unit': 'percent', 'noindex': $hidden,
                'pages': $crawled} AS evidence""",
        {"start": site.start_url, "hidden": hidden, "crawled": crawled, "percent": percent},
    )
