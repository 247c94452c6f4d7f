"""Images that pages show."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_IMAGES
from tasks.audit.rule import Findings, NotApplicable, SiteWord, Unknown, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity


@site_rule(
    "image-broken",
    Severity.ERROR,
    references=(GOOGLE_IMAGES,),
    bad="""
        /         <img src="/pot.png" alt="A pot">
        /pot.png  image 404
    """,
    good="""
        /         <img src="/pot.png" alt="A pot">
        /pot.png  image 200
    """,
)
def image_broken(site: Site) -> Iterator[SiteWord]:
    """An image answers with an error, or not at all.

    People see a gap, and image search nothing. Told on the page that shows it, once for each image. A notice only,
    since unverified: 401, 403, 405, 407 and 429, server errors of other hosts, and failures seen only once.

    Correct the address or put the image back.
    """
    if not site.any("FROM images WHERE is_http(url)"):
        yield NotApplicable("no image")
        return
    yield Findings("""
        SELECT p.page_id, p.url,
            if(a.ended IN (401, 403, 405, 407, 429) OR (a.ended >= 500 AND host_of(a.url) <> host_of(p.url))
                OR (a.failed AND a.ended IS NULL AND coalesce(a.tries, 2) < 2), 'notice', NULL) AS severity,
            'The image ' || shown(a.url) || ' ' || did(a.ended, a.reason, a.failed)
                || if(severity IS NULL, '', '; unverified') || '.' AS message,
            {'observed': coalesce(a.ended::VARCHAR, a.reason), 'src': shown(a.url), 'alt': shown(any_value(i.alt)),
                'status': a.ended, 'reason': a.reason, 'verified': severity IS NULL, 'occurrences': count(*),
                'locator': 'img'} AS evidence,
            a.url AS key
        FROM images i JOIN address a ON a.url = without_fragment(i.url) JOIN page p USING (page_id) WHERE a.wrong
        GROUP BY p.page_id, p.url, a.url, a.ended, a.reason, a.failed, a.tries""")
    if site.any("""FROM images i LEFT JOIN address a ON a.url = without_fragment(i.url)
            WHERE is_http(i.url) AND NOT coalesce(a.known, false)"""):
        yield Unknown("images that were not checked")
