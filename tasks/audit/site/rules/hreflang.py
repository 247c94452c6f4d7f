"""Language versions among each other, as stated in head, Link headers and sitemaps of indexable pages."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_CANONICAL, GOOGLE_HREFLANG, GOOGLE_ROBOTS_META, GOOGLE_X_DEFAULT
from tasks.audit.rule import Findings, NotApplicable, SiteWord, Unknown, site_rule
from tasks.audit.site.site import Site
from tasks.model import Severity

EN = '<link rel="alternate" hreflang="en" href="/">'
DE = '<link rel="alternate" hreflang="de" href="/de">'
FR = '<link rel="alternate" hreflang="fr" href="/fr">'
NONE = NotApplicable("no indexable page states another language version")
NOT_SEEN = Unknown("language versions that were not fetched")

_STATED = "FROM alternate v JOIN page p ON p.id = v.source WHERE p.indexable AND v.form <> p.form"
_UNREAD = "b.id IS NULL AND NOT coalesce(a.redirecting OR a.erring OR a.blocked, false)"


def _judge(site: Site, findings: Findings, unknown: str) -> Iterator[SiteWord]:
    """``unknown``: a condition on address ``a`` and page ``b`` of a version that cannot be judged."""
    if not site.any(_STATED):
        yield NONE
        return
    yield findings
    seen = f"""FROM alternate v JOIN page p ON p.id = v.source LEFT JOIN address a ON a.url = v.url
        LEFT JOIN page b ON b.id = v.target WHERE p.indexable AND v.form <> p.form AND {unknown}"""
    if site.any(seen):
        yield NOT_SEEN


def _naming(condition: str, fault: str) -> Findings:
    """On each page ``b`` that is named as a version."""
    return Findings(f"""
        SELECT p.page_id, p.url,
            'The ' || shown(min(v.lang)) || ' version ' || shown(b.url) || {fault} || '.' AS message,
            {{'observed': shown(b.url), 'lang': shown(min(v.lang)), 'canonical': shown(b.canonical),
                'locator': 'link[rel="alternate"][hreflang]'}} AS evidence,
            b.url AS key
        FROM alternate v JOIN page p ON p.id = v.source JOIN page b ON b.id = v.target
        WHERE p.indexable AND v.form <> p.form AND {condition}
        GROUP BY p.page_id, p.url, b.url, b.canonical, b.forbids""")  # noqa: S608 - words of our own


@site_rule(
    "hreflang-missing-return",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG,),
    bad=f"""
        /    {EN}{DE}<a href="/de">Deutsch</a>
        /de  {DE}
    """,
    good=f"""
        /    {EN}{DE}<a href="/de">Deutsch</a>
        /de  {EN}{DE}
    """,
)
def hreflang_missing_return(site: Site) -> Iterator[SiteWord]:
    """A page names another one as its language version, which does not name it in return.

    Search engines then ignore the pair, since anybody could claim to be a version of another page. The return must
    state the address and, where the page states a language for itself, that language. Versions that were not fetched or
    are not indexable are not judged.

    Let all versions name each other, from one list.
    """
    return _judge(
        site,
        Findings("""
            WITH own AS (
                SELECT v.source AS id, list(v.lang) AS langs FROM alternate v JOIN page p ON p.id = v.source
                WHERE v.form = p.form GROUP BY v.source),
            stated AS (
                SELECT v.source, v.target, min(v.lang) AS lang FROM alternate v JOIN page p ON p.id = v.source
                JOIN page b ON b.id = v.target WHERE p.indexable AND b.indexable AND v.form <> p.form
                GROUP BY v.source, v.target),
            judged AS (
                SELECT s.source, s.target, s.lang, any_value(own.langs) AS own, list(back.lang) AS returned
                FROM stated s JOIN page p ON p.id = s.source LEFT JOIN own ON own.id = s.source
                LEFT JOIN alternate back ON back.source = s.target AND back.form = p.form
                GROUP BY s.source, s.target, s.lang)
            SELECT p.page_id, p.url,
                'The ' || shown(j.lang) || ' version ' || shown(b.url) || ' does not name this page'
                    || if(len(list_filter(j.returned, lambda lang: lang IS NOT NULL)) > 0,
                        ' as ' || shown(array_to_string(j.own, ', ')), '') || ' in return.' AS message,
                {'observed': shown(array_to_string(j.returned, ', ')), 'lang': shown(j.lang), 'target': b.url,
                    'own': shown(array_to_string(j.own, ', ')), 'locator': 'link[rel="alternate"][hreflang]'}
                    AS evidence,
                b.url AS key
            FROM judged j JOIN page p ON p.id = j.source JOIN page b ON b.id = j.target
            WHERE NOT list_has_any(coalesce(j.own, j.returned),
                list_filter(j.returned, lambda lang: lang IS NOT NULL))"""),
        _UNREAD,
    )


@site_rule(
    "hreflang-to-redirect",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG, GOOGLE_X_DEFAULT),
    bad=f"""
        /     {EN}{DE}
        /de   301 /de/
        /de/  {EN}<link rel="alternate" hreflang="de" href="/de/">
    """,
    good=f"""
        /     {EN}<link rel="alternate" hreflang="de" href="/de/">
        /de/  {EN}<link rel="alternate" hreflang="de" href="/de/">
    """,
)
def hreflang_to_redirect(site: Site) -> Iterator[SiteWord]:
    """A language version is an address that redirects.

    Search engines ignore the entry, since the page it leads to states another address for itself. An x-default that
    redirects temporarily is left out: it is meant for start pages that lead people to their language.

    Name the address that the redirect leads to.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url,
                'The ' || shown(min(v.lang)) || ' version ' || shown(a.url) || ' redirects'
                    || coalesce(' (' || a.how || ')', '') || coalesce(' to ' || shown(a.leads_to), '') || '.'
                    AS message,
                {'observed': shown(a.url), 'lang': shown(min(v.lang)), 'status': a.answered,
                    'target': shown(a.leads_to), 'locator': 'link[rel="alternate"][hreflang]'} AS evidence,
                a.url AS key
            FROM alternate v JOIN page p ON p.id = v.source JOIN address a ON a.url = v.url
            WHERE p.indexable AND v.form <> p.form AND a.redirecting
                AND NOT (v.lang = 'x-default' AND coalesce(a.answered IN (302, 303, 307), false))
            GROUP BY p.page_id, p.url, a.url, a.answered, a.how, a.leads_to"""),
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "hreflang-to-error",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG,),
    bad=f"""
        /     {EN}{DE}
        /de   404
    """,
    good=f"""
        /     {EN}{DE}
        /de   {EN}{DE}
    """,
)
def hreflang_to_error(site: Site) -> Iterator[SiteWord]:
    """A language version is an address that answers with an error, or not at all.

    Search engines ignore the entry, and people in that language get another version. A notice only, since unverified:
    401, 403 and 407, which may be meant for the scanner alone; out of scope also 405, server errors and failures seen
    only once.

    Restore the version, or remove the entry from all the others.
    """
    return _judge(
        site,
        Findings("""
            SELECT p.page_id, p.url, if(a.unverified, 'notice', NULL) AS severity,
                'The ' || shown(min(v.lang)) || ' version ' || shown(a.url) || ' ' || did(a.ended, a.reason, a.failed)
                    || if(a.unverified, '; unverified', '') || '.' AS message,
                {'observed': shown(a.url), 'lang': shown(min(v.lang)), 'status': a.ended, 'reason': a.reason,
                    'verified': NOT a.unverified, 'locator': 'link[rel="alternate"][hreflang]'} AS evidence,
                a.url AS key
            FROM alternate v JOIN page p ON p.id = v.source JOIN address a ON a.url = v.url
            WHERE p.indexable AND v.form <> p.form AND a.erring
            GROUP BY p.page_id, p.url, a.url, a.ended, a.reason, a.failed, a.unverified"""),
        "NOT coalesce(a.known, false)",
    )


@site_rule(
    "hreflang-to-noindex",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG, GOOGLE_ROBOTS_META),
    bad=f"""
        /    {EN}{DE}
        /de  <meta name="robots" content="noindex">{EN}{DE}
    """,
    good=f"""
        /    {EN}{DE}
        /de  {EN}{DE}
    """,
)
def hreflang_to_noindex(site: Site) -> Iterator[SiteWord]:
    """A language version is a page that forbids to be indexed.

    It is named as the page to show, and is never shown: people in that language get another version. An
    unavailable_after that has passed forbids it like noindex.

    Remove noindex from the version, or the entry from all the others.
    """
    return _judge(site, _naming("b.forbids IS NOT NULL", "' ' || b.forbids"), _UNREAD)


@site_rule(
    "hreflang-to-noncanonical",
    Severity.ERROR,
    references=(GOOGLE_HREFLANG, GOOGLE_CANONICAL),
    bad=f"""
        /    {EN}{DE}
        /de  {EN}{DE}<link rel="canonical" href="/">
    """,
    good=f"""
        /    {EN}{DE}
        /de  {EN}{DE}<link rel="canonical" href="/de">
    """,
)
def hreflang_to_noncanonical(site: Site) -> Iterator[SiteWord]:
    """A language version is a page that names another one as its canonical.

    One says "show this page", the other "list that one instead": search engines may ignore the version.

    Let each version name itself as its canonical, and name that address here.
    """
    return _judge(
        site, _naming("b.canonical IS NOT NULL", "' names another canonical: ' || shown(b.canonical)"), _UNREAD
    )


@site_rule(
    "hreflang-cluster-incomplete",
    Severity.WARNING,
    references=(GOOGLE_HREFLANG,),
    bad=f"""
        /    {EN}{DE}{FR}
        /de  {EN}{DE}
        /fr  {EN}{FR}
    """,
    good=f"""
        /    {EN}{DE}
        /de  {EN}{DE}
    """,
)
def hreflang_cluster_incomplete(site: Site) -> Iterator[SiteWord]:
    """Pages that name each other as language versions do not all name the same ones.

    Versions missing from a list may not be shown to the people they are for. Told on each page whose list lacks one
    that another page of the cluster names; a missing entry for the page itself is told by hreflang-missing-self.

    Write one list of all versions, and put it on each of them.
    """
    if not site.any(_STATED):
        yield NONE
        return
    if not site.any("FROM family"):
        yield NotApplicable("no two indexable pages name each other as language versions")
    yield Findings("""
        WITH named AS (
            SELECT family, id, v.form FROM family JOIN alternate v ON v.source = id
            UNION
            SELECT family, id, form FROM family JOIN page USING (id)),
        wanted AS (
            SELECT family, count(*) AS forms, list(form ORDER BY form)[:200] AS some
            FROM (SELECT DISTINCT family, form FROM named) GROUP BY family),
        found AS (SELECT family, id, count(*) AS forms, list(form) AS some FROM named GROUP BY family, id),
        size AS (SELECT family, count(*) AS pages FROM family GROUP BY family)
        SELECT p.page_id, p.url,
            'The page names ' || f.forms || ' of the ' || w.forms || ' versions that pages of its cluster name.'
                AS message,
            {'observed': f.forms, 'limit': w.forms, 'missing': w.forms - f.forms, 'pages': size.pages,
                'urls': array_to_string(list_filter(w.some,
                    lambda form: NOT list_contains(f.some, form))[:5], ', '),
                'locator': 'link[rel="alternate"][hreflang]'} AS evidence
        FROM found f JOIN wanted w USING (family) JOIN size USING (family) JOIN page p USING (id)
        WHERE f.forms < w.forms""")
