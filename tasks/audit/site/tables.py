"""The tables that site rules are written on, each made by one pass over the run's views.

======== ==============================================================================================
page     one row a page: ``id`` numbers them by address; ``form`` is the address as compared; ``html``: has facts;
         ``redirecting``: by status, or by an instant meta refresh, whose page has facts as well; ``ends``: the page
         it led to, over ten such steps at most; ``forbids``: how it forbids to be indexed, in words; ``canonical``:
         the other address it names, ``canon`` that page; ``series``: hash of what is the same for all pages of a
         paginated list. What is ``blocked`` says nothing that counts: it forbids nothing, and has no ``canonical``
address  what is known of any address: ``answered`` at once, ``how``: in words; ``ended``: after redirects.
         ``erring``: answered with an error itself, ``unverified``: perhaps to the scanner alone; ``wrong``: ends in
         one, ``broken``: in one that a link must not lead to; ``known``: we can tell
linked   every address that pages link to
edge     one row for each pair of pages with a link, straight or by a redirect; what redirects itself has none
start    the page of the start URL, and the one it redirects to
place    every indexable page but for the start
inlink   for each page how many others link to it, followed and contextual
alternate every language version that a page or a sitemap states for a page
listed   every address in the sitemaps
faulty_link one row for each page and link target that is not as it should be
trait    what pages must not share, as hashes: title, description, h1, main text
repeated traits that several pages have which are no parts of one list; ``others`` leaves language versions out
shared   the same where there are others, with words and addresses
======== ==============================================================================================
"""

from tasks.model import Reason

FAILED = [
    reason.value
    for reason in (
        Reason.DNS,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS,
        Reason.RESET,
        Reason.READ_TIMEOUT,
        Reason.DEADLINE,
        Reason.BAD_RESPONSE,
        Reason.TOO_MANY_REDIRECTS,
        Reason.REDIRECT_LOOP,
        Reason.INVALID_REDIRECT,
        Reason.NOT_IMAGE,
    )
]
"""Reasons that are the address's fault; the others are the scan's own, or leave an answer behind."""

PAGE = r"""
CREATE TEMP TABLE page AS
WITH RECURSIVE hop AS (SELECT page_id, arg_min(status, hop) AS status FROM redirects GROUP BY page_id),
seen AS (
    SELECT p.page_id, p.url, p.final_url, p.status, p.reason, p.not_indexable,
        (row_number() OVER (ORDER BY p.url, p.page_id) - 1)::INTEGER AS id,
        form_of(p.url) AS form,
        hash(series_of(p.url)) AS series,
        hop.status AS hop_status,
        hop.page_id IS NOT NULL AS hopping,
        coalesce(p.blocked_by_robots, false) AS blocked,
        hop.page_id IS NULL AND coalesce(p.status, 0) = 200 AND p.html_length IS NOT NULL AS html,
        html AND p.not_indexable = 'noindex' AS noindex,
        CASE WHEN noindex THEN 'is noindex'
            WHEN html AND p.not_indexable = 'unavailable_after has passed' THEN 'is past its unavailable_after' END
            AS forbids,
        coalesce(has_directive(p.robots, ['nofollow', 'none']), false) AS nofollow,
        CASE WHEN html AND p.meta_refresh.delay = 0 AND is_http(p.meta_refresh.url)
                AND form_of(without_fragment(p.meta_refresh.url)) <> form
            THEN without_fragment(p.meta_refresh.url) END AS refreshed,
        list_distinct(list_transform(
            list_filter(p.canonicals, lambda stated:
                stated.in_head AND coalesce(is_http(stated.url), false) AND regexp_matches(stated.href, '\S')),
            lambda stated: without_fragment(stated.url))) AS stated,
        p.title, p.meta_description AS description, p.h1, p.content_hash, coalesce(p.word_count, 0) AS word_count
    FROM pages p LEFT JOIN hop USING (page_id)),
led AS (
    SELECT * REPLACE (coalesce(refreshed, final_url) AS final_url), hopping OR refreshed IS NOT NULL AS redirecting
    FROM seen),
named AS MATERIALIZED (
    SELECT * EXCLUDE (stated, hopping),
        html AND not_indexable = '' AND NOT blocked AS indexable,
        CASE WHEN html AND NOT redirecting AND NOT blocked AND form_of(stated[1]) <> form
                AND len(list_distinct(list_transform(stated, lambda url: form_of(url)))) = 1
            THEN list_min(stated) END AS canonical
    FROM led),
step AS MATERIALIZED (
    SELECT p.id, target.id AS target FROM named p JOIN named target ON target.url = p.final_url
    WHERE p.redirecting AND target.id <> p.id),
way AS (
    SELECT id, target, 1 AS steps FROM step
    UNION ALL
    SELECT way.id, step.target, steps + 1 FROM way JOIN step ON step.id = way.target
    WHERE step.target <> way.id AND steps < 10),
last AS (SELECT id, arg_max(target, steps) AS ends FROM way GROUP BY id)
SELECT p.*, last.ends, canon.id AS canon
FROM named p LEFT JOIN last USING (id) LEFT JOIN named canon ON canon.url = p.canonical
ORDER BY p.id
"""

ADDRESS = """
CREATE TEMP TABLE address AS
WITH target AS (
    SELECT url, min(kind) AS kind, any_value(status) AS status, any_value(reason) AS reason,
        any_value(location) AS location, max(tries) AS tries
    FROM targets WHERE kind <> 'probe' AND url NOT IN (SELECT url FROM page) GROUP BY url),
every AS (
    SELECT p.url, p.id AS page, p.redirecting, coalesce(p.hop_status, p.status) AS answered,
        if(p.refreshed IS NULL, coalesce(p.hop_status, p.status)::VARCHAR, 'meta refresh') AS how,
        if(last.id IS NULL, p.status, last.status) AS ended, if(last.id IS NULL, p.reason, last.reason) AS reason,
        if(p.redirecting, coalesce(last.url, p.final_url), NULL) AS leads_to, p.blocked, NULL AS tries
    FROM page p LEFT JOIN page last ON last.id = p.ends AND p.reason IS NULL
    UNION ALL
    SELECT url, NULL, location IS NOT NULL AND location <> url, status, status::VARCHAR,
        if(status BETWEEN 300 AND 399, NULL, status), reason, location, coalesce(reason = 'blocked-by-robots', false),
        tries
    FROM target),
judged AS (SELECT *, coalesce(list_contains($failed, reason), false) AS failed FROM every)
SELECT *,
    (failed OR coalesce(ended >= 400 AND ended <> 429, false)) AND NOT redirecting AND NOT blocked AS erring,
    coalesce(ended IN (401, 403, 407) OR (page IS NULL
            AND (ended = 405 OR ended >= 500 OR (failed AND ended IS NULL AND tries < 2))), false)
        AND NOT redirecting AND NOT blocked AS unverified,
    failed OR coalesce(ended >= 400, false) AS wrong,
    failed OR coalesce(ended >= 400 AND ended NOT IN (401, 403, 407, 429), false) AS broken,
    blocked OR redirecting OR failed OR coalesce(answered <> 429, false) AS known
FROM judged
"""

LINKED = """
CREATE TEMP TABLE linked AS
SELECT url, bool_or(internal) AS internal, bool_or(NOT internal) AS outward
FROM links WHERE coalesce(is_http(url), false) GROUP BY url
"""

# One number a pair and one byte of facts keep the hash table of millions of pairs small. In that byte, 32 stands for a
# contextual link, 16 for a followed one, and 8, 4, 2 and 1 for where a followed link is, the best place first.
EDGE = r"""
CREATE TEMP TABLE edge AS
WITH link AS (
    SELECT source.id AS source, target.id AS target, target.ends,
        (if(l.position IN ('main', 'body', 'aside'), 32, 0) + if(source.nofollow
                OR (contains(l.rel, 'nofollow') AND regexp_matches(l.rel, '(^|\s)nofollow(\s|$)')), 0,
            CASE WHEN l.position IN ('main', 'body') THEN 24 WHEN l.position = 'aside' THEN 20
                WHEN l.position = 'footer' THEN 17 ELSE 18 END))::UTINYINT AS facts
    FROM links l JOIN page source USING (page_id) JOIN page target ON target.url = l.url
    WHERE source.html AND NOT source.redirecting),
step AS (
    SELECT source, target, facts FROM link
    UNION ALL
    SELECT source, ends, facts FROM link WHERE ends IS NOT NULL),
pair AS (
    SELECT source::BIGINT << 32 | target AS pair, bit_or(facts) AS facts
    FROM step WHERE source <> target GROUP BY pair)
SELECT (pair >> 32)::INTEGER AS source, (pair & 4294967295)::INTEGER AS target,
    facts & 16 > 0 AS followed,
    facts & 32 > 0 AS contextual,
    CASE WHEN facts & 8 > 0 THEN 1 WHEN facts & 4 > 0 THEN 0.5 WHEN facts & 2 > 0 THEN 0.3 WHEN facts & 1 > 0 THEN 0.1
        ELSE 0 END::FLOAT AS weight
FROM pair
"""

START = """
CREATE TEMP TABLE start AS
SELECT DISTINCT unnest([id, coalesce(ends, id)]) AS id FROM page WHERE form = form_of(without_fragment($start))
"""

INLINK = """
CREATE TEMP TABLE inlink AS
SELECT page.id, count(source) AS inlinks,
    count(*) FILTER (followed) AS followed, count(*) FILTER (contextual) AS contextual
FROM page LEFT JOIN edge ON edge.target = page.id GROUP BY page.id
"""

NO_LINKS = """
CREATE TEMP TABLE inlink AS
SELECT id, NULL::BIGINT AS inlinks FROM page
"""

NO_START = """
CREATE TEMP TABLE start(id INTEGER)
"""

LISTED = """
CREATE TEMP TABLE listed AS
SELECT without_fragment(url) AS url, any_value(form_of(without_fragment(url))) AS form, min(sitemap) AS sitemap
FROM sitemap_entries WHERE is_http(url) GROUP BY 1
"""

ALTERNATE = """
CREATE TEMP TABLE alternate AS
WITH stated AS (
    SELECT page_id, unnest(hreflang) AS version FROM pages),
listing AS (
    SELECT url, unnest(alternates) AS version FROM sitemap_entries),
every AS (
    SELECT p.id AS source, s.version.lang AS lang, s.version.url AS url
    FROM stated s JOIN page p USING (page_id) WHERE p.html AND s.version.in_head
    UNION ALL
    SELECT p.id, s.version.lang, s.version.url FROM listing s JOIN page p ON p.url = s.url WHERE p.html),
clean AS (
    SELECT DISTINCT source, lower(trim(lang)) AS lang, without_fragment(url) AS url
    FROM every WHERE is_http(url))
SELECT c.source, c.lang, c.url, form_of(c.url) AS form, target.id AS target
FROM clean c LEFT JOIN page target ON target.url = c.url
"""

FAULTY_LINK = """
CREATE TEMP TABLE faulty_link AS
WITH fault AS (SELECT * FROM address WHERE wrong OR redirecting),
hit AS (
    SELECT page_id, url, bool_or(internal) AS internal, count(*) AS occurrences,
        arg_min({'text': text, 'position': position, 'rel': rel},
            (list_position(['main', 'body', 'aside', 'nav', 'header', 'footer'], position), text, rel)) AS link
    FROM links WHERE url IN (SELECT url FROM fault) GROUP BY page_id, url)
SELECT source.page_id, source.url AS source, a.url AS target, hit.internal OR a.page IS NOT NULL AS internal,
    hit.occurrences, hit.link, a.answered, a.how, a.ended, a.reason, a.leads_to, a.failed, a.redirecting, a.wrong,
    a.broken, a.tries
FROM hit JOIN fault a USING (url) JOIN page source USING (page_id)
WHERE source.html
"""

PLACE = """
CREATE TEMP TABLE place AS
SELECT id, page_id, url, inlinks, followed FROM page JOIN inlink USING (id)
WHERE indexable AND id NOT IN (SELECT id FROM start)
"""

TRAIT = """
CREATE TEMP TABLE trait AS
WITH worded AS (
    UNPIVOT (SELECT id, series, title, description, h1 FROM page WHERE indexable)
    ON title, description, h1 INTO NAME kind VALUE words)
SELECT id, series, kind, hash(lower(nfc_normalize(said(words)))) AS value FROM worded WHERE said(words) <> ''
UNION ALL
SELECT id, series, 'content', hash(content_hash) FROM page WHERE indexable AND word_count > 0 AND content_hash <> ''
UNION ALL
SELECT min(p.id), arg_min(p.series, p.id), 'near', any_value(near.cluster)::UBIGINT
FROM page p JOIN near USING (content_hash) WHERE p.indexable GROUP BY content_hash
"""

REPEATED = """
CREATE TEMP TABLE repeated AS
WITH several AS (
    SELECT kind, value, count(*) AS pages FROM trait GROUP BY kind, value HAVING min(series) <> max(series)),
alike AS (
    SELECT kind, value, series, count(*) AS pages FROM trait SEMI JOIN several USING (kind, value)
    GROUP BY kind, value, series),
trait AS (
    SELECT t.*, several.pages - alike.pages AS others
    FROM trait t JOIN several USING (kind, value) JOIN alike USING (kind, value, series)),
pair AS (
    SELECT source AS one, target AS other FROM alternate WHERE target IS NOT NULL
    UNION
    SELECT target, source FROM alternate WHERE target IS NOT NULL),
version AS (
    SELECT one.id, one.kind, count(*) AS pages
    FROM pair JOIN trait one ON one.id = pair.one
    JOIN trait other ON other.id = pair.other AND other.kind = one.kind AND other.value = one.value
        AND other.series <> one.series
    GROUP BY one.id, one.kind)
SELECT t.id, t.kind, t.value, t.others - coalesce(version.pages, 0) AS others
FROM trait t LEFT JOIN version USING (id, kind)
"""

SHARED = """
CREATE TEMP VIEW shared AS
WITH sample AS (SELECT kind, value, unnest(min(id, 4)) AS id FROM repeated GROUP BY kind, value),
named AS (SELECT kind, value, list(url ORDER BY id) AS urls FROM sample JOIN page USING (id) GROUP BY kind, value)
SELECT r.id, p.page_id, p.url, r.kind,
    said(CASE r.kind WHEN 'title' THEN p.title WHEN 'description' THEN p.description WHEN 'h1' THEN p.h1 END) AS said,
    named.urls[1] AS head, r.others,
    array_to_string(list_filter(named.urls, lambda url: url <> p.url)[:3], ', ') AS urls
FROM repeated r JOIN page p USING (id) JOIN named USING (kind, value)
WHERE r.others > 0
"""
