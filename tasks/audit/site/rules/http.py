"""What the site does with an address that does not exist, and with one that was asked for before."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_CRAWL_BUDGET, GOOGLE_HTTP, RFC9110
from tasks.audit.rule import Applies, Findings, NotApplicable, SiteWord, Unknown, second_look, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity


@site_rule(
    "missing-page-not-404",
    Severity.ERROR,
    applies=Applies.SITE,
    references=(GOOGLE_HTTP,),
    bad="""
        /          <title>Tea</title>
        /zu5q8xw1  probe 200
    """,
    good="""
        /          <title>Tea</title>
        /zu5q8xw1  probe 404
    """,
)
def missing_page_not_404(site: Site) -> Iterator[SiteWord]:
    """An address that cannot exist is answered with success, or with a redirect to the home page.

    Each broken link and typing error then makes a page that crawlers come for again and again.

    Answer 404 or 410 for what is not there, with a page that helps people on.
    """
    if not site.any("FROM targets WHERE kind = 'probe'"):
        yield Unknown("no missing page was asked for")
        return
    if site.any("FROM targets WHERE kind = 'probe' AND reason = 'blocked-by-robots'"):
        yield Unknown("robots.txt disallows to ask for a missing page")
        return
    yield Findings(
        r"""
        WITH probe AS (
            SELECT url, status, location, regexp_extract(url, '^https?://[^/?#]*') || '/' AS home
            FROM targets WHERE kind = 'probe')
        SELECT '' AS page_id, home AS url,
            shown(p.url) || ', which does not exist, '
                || if(coalesce(status < 300, false), 'answers ' || status, 'redirects to ' || shown(location))
                || '.' AS message,
            {'observed': status, 'url': shown(p.url), 'location': shown(location)} AS evidence
        FROM probe p WHERE status BETWEEN 200 AND 299 OR location IN (home, $start)""",
        {"start": site.start_url},
    )
    if not site.any("FROM targets WHERE kind = 'probe' AND status IN (404, 410)"):
        yield Unknown("the missing page was answered with another error or redirect")


@second_look("soft-404")
def soft_404(site: Site) -> Iterator[SiteWord]:
    """Pages with the main text that the site answers with status 200 where there is nothing.

    The start page is none of them: it may be what the site shows for all that is missing.
    """
    if not site.any("FROM targets WHERE kind = 'probe' AND status = 200"):
        return
    yield Findings("""
        WITH probe AS (
            SELECT url, body_hash FROM targets
            WHERE kind = 'probe' AND status = 200 AND location IS NULL AND body_hash IS NOT NULL),
        told AS (
            SELECT page_id FROM issues WHERE rule = 'soft-404' AND json_extract_string(evidence, '$.probe') IS NULL)
        SELECT p.page_id, p.url,
            'The main text is that of ' || shown(probe.url) || ', which does not exist, but the status is 200.'
                AS message,
            {'observed': shown(coalesce(p.title, '')), 'locator': 'main text', 'status': p.status,
                'words': p.word_count, 'probe': shown(probe.url)} AS evidence
        FROM page p JOIN probe ON p.content_hash = probe.body_hash
        WHERE p.html AND p.word_count > 0 AND p.id NOT IN (SELECT id FROM start)
            AND p.page_id NOT IN (SELECT page_id FROM told)""")


@site_rule(
    "conditional-get-broken",
    Severity.NOTICE,
    applies=Applies.SITE,
    references=(RFC9110, GOOGLE_CRAWL_BUDGET),
    bad="""
        /     same <title>Tea</title>
        /oat  same <title>Oat</title>
    """,
    good="""
        /     not-modified <title>Tea</title>
        /oat  modified <title>Oat</title>
    """,
)
def conditional_get_broken(site: Site) -> Iterator[SiteWord]:
    """Pages with an ETag or a Last-Modified are sent in full to who has them already, though nothing changed.

    Crawlers come back with what the server gave them, to be told that there is nothing new. They are sent the page
    instead, and look at fewer others for that. It is seen where a site is crawled again, and told once for each host.

    Answer 304 to If-None-Match and If-Modified-Since, and let an ETag change only with the content.
    """
    if not site.any("FROM pages WHERE revalidation IS NOT NULL"):
        yield NotApplicable("no page was known from an earlier crawl by an ETag or a Last-Modified")
        return
    yield Findings(r"""
        WITH asked AS (
            SELECT regexp_extract(url, '^https?://[^/?#]*') || '/' AS host, url, revalidation = 'same' AS broken
            FROM pages WHERE revalidation IS NOT NULL)
        SELECT '' AS page_id, host AS url,
            count(*) FILTER (broken) || ' of ' || plural(count(*), 'page', 'pages')
                || ' asked for by validator came in full without a change, such as ' || shown(min(url) FILTER (broken))
                || '.' AS message,
            {'observed': count(*) FILTER (broken), 'asked': count(*), 'example': shown(min(url) FILTER (broken))}
                AS evidence
        FROM asked GROUP BY host HAVING bool_or(broken)""")
