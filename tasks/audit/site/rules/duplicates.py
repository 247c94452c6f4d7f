"""What indexable pages should not share. Language versions and the parts of a paginated list may."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_CANONICAL, GOOGLE_SNIPPET, GOOGLE_TITLE
from tasks.audit.rule import Findings, NotApplicable, SiteWord, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity

ABOUT = (
    "We grow, dry and pack it ourselves and send it within two days to every place that the post can reach, by rail "
    "and by ship and on foot. Our gardens lie on the south slope, a thousand metres high, where mist keeps the young "
    "leaves soft until noon in every month of the year."
)


@site_rule(
    "title-duplicate",
    Severity.WARNING,
    category="title",
    references=(GOOGLE_TITLE,),
    bad="""
        /       <a href="/green">Green</a> <a href="/black">Black</a>
        /green  <title>Tea</title>
        /black  <title>Tea</title>
    """,
    good="""
        /             <a href="/teas">Teas</a> <a href="/teas?page=2">More</a> <a href="/tees">Tees</a>
        /teas         <title>Tea</title>
        /teas?page=2  <title>Tea</title>
        /tees         <title>Tea</title><link rel="canonical" href="/teas">
    """,
)
def title_duplicate(site: Site) -> Iterator[SiteWord]:
    """Several indexable pages have the same title.

    In results they look alike, and search engines may take them for one page. White space and letter case do not
    count. Pages that are canonicalised, language versions and the pages of one paginated list are left out.

    Name in each title what is found on that page alone; let true duplicates name one canonical.
    """
    return _shared(site, "title", "title")


@site_rule(
    "description-duplicate",
    Severity.NOTICE,
    category="description",
    references=(GOOGLE_SNIPPET,),
    bad="""
        /       <a href="/green">Green</a> <a href="/black">Black</a>
        /green  <meta name="description" content="All about tea.">
        /black  <meta name="description" content="All about tea.">
    """,
    good="""
        /       <meta name="description" content=""> <a href="/green">Green</a>
        /green  <meta name="description" content="All about green tea.">
    """,
)
def description_duplicate(site: Site) -> Iterator[SiteWord]:
    """Several indexable pages have the same meta description.

    The snippets in results then do not tell the pages apart. What is left out is as with title-duplicate.

    Write one for each page, or none: search engines then choose a passage of the text.
    """
    return _shared(site, "description", "meta description")


@site_rule(
    "h1-duplicate",
    Severity.NOTICE,
    category="headings",
    references=(GOOGLE_TITLE,),
    bad="""
        /       <h1>Tea</h1> <a href="/black">Black</a>
        /black  <h1>Tea</h1>
    """,
    good="""
        /       <h1>Tea</h1> <a href="/black">Black</a>
        /black  <h1>Black tea</h1>
    """,
)
def h1_duplicate(site: Site) -> Iterator[SiteWord]:
    """Several indexable pages have the same main heading.

    Readers who come from a result cannot tell where they are, and search engines use headings for titles. The first h1
    with any text counts; what is left out is as with title-duplicate.

    Let the template fill in what the page is about.
    """
    return _shared(site, "h1", "h1")


def _shared(site: Site, kind: str, name: str) -> Iterator[SiteWord]:
    if not site.any("FROM trait WHERE kind = $kind", kind=kind):
        yield NotApplicable(f"no indexable page with a {name}")
    yield Findings(
        """
        SELECT page_id, url,
            'The ' || $name || ' "' || shown(said) || '" is also that of '
                || plural(others, 'other page', 'other pages') || ': ' || urls || if(others > 3, ', …', '') || '.'
                AS message,
            {'observed': shown(said), 'pages': others + 1, 'head': head, 'others': urls} AS evidence
        FROM shared WHERE kind = $kind
        """,
        {"kind": kind, "name": name},
    )


@site_rule(
    "content-exact-duplicate",
    Severity.WARNING,
    category="content",
    references=(GOOGLE_CANONICAL,),
    bad="""
        /          <a href="/green">Green</a> <a href="/green?a=1">Again</a>
        /green     <p>Grown in the shade.
        /green?a=1 <p>Grown in the shade.
    """,
    good="""
        /          <a href="/green">Green</a> <a href="/green?a=1">Again</a>
        /green     <p>Grown in the shade.
        /green?a=1 <link rel="canonical" href="/green"><p>Grown in the shade.
    """,
)
def content_exact_duplicate(site: Site) -> Iterator[SiteWord]:
    """Several indexable pages have the same main text.

    Search engines choose one of them themselves and drop the others. Navigation, header, footer and white space do not
    count; pages without text, and what title-duplicate leaves out, are no duplicates here.

    Redirect the copies, or let them name one canonical; give pages that ought to differ a text of their own.
    """
    if not site.any("FROM trait WHERE kind = 'content'"):
        yield NotApplicable("no indexable page with text")
    yield Findings(
        """
        SELECT page_id, url,
            'The main text is also that of ' || plural(others, 'other page', 'other pages') || ': ' || urls
                || if(others > 3, ', …', '') || '.' AS message,
            {'observed': others + 1, 'pages': others + 1, 'head': head, 'others': urls} AS evidence
        FROM shared WHERE kind = 'content'
        """
    )


@site_rule(
    "content-near-duplicate",
    Severity.WARNING,
    category="content",
    references=(GOOGLE_CANONICAL,),
    bad=f"""
        /       <a href="/green">Green</a> <a href="/black">Black</a>
        /green  <p>{ABOUT} Green.
        /black  <p>{ABOUT} Black.
    """,
    good="""
        /       <a href="/green">Green</a> <a href="/black">Black</a>
        /green  <p>Green tea is steamed or roasted soon after the harvest, which keeps its colour and its grassy taste.
        /black  <p>Black tea withers, is rolled and rests in warm and moist air until the leaves have turned dark.
    """,
)
def content_near_duplicate(site: Site) -> Iterator[SiteWord]:
    """Several indexable pages have nearly the same main text.

    Thin variations compete with each other, and search engines may list only one. At least 90 % of the runs of five
    words are the same, as estimated from MinHash signatures; texts that are wholly the same are told by
    content-exact-duplicate. The head of the pages that resemble each other, directly or over others, is the first.

    Merge them into one page, or give each enough of its own.
    """
    if not site.any("FROM trait WHERE kind = 'content'"):
        yield NotApplicable("no indexable page with text")
    yield Findings(
        """
        SELECT s.page_id, s.url,
            'The main text is to ' || floor(near.similarity * 100)::INTEGER || ' % that of another page; '
                || plural(others + 1, 'page resembles', 'pages resemble') || ' each other: ' || urls
                || if(others > 3, ', …', '') || '.' AS message,
            {'observed': round(near.similarity, 3), 'limit': 0.9, 'pages': others + 1, 'head': head, 'others': urls}
                AS evidence
        FROM shared s JOIN page p USING (id) JOIN near ON near.content_hash = p.content_hash WHERE s.kind = 'near'
        """
    )
