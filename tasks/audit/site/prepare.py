"""From the run's views to a ``Site``: its tables and its graph."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tasks.audit.site import tables
from tasks.audit.site.components import components, heads, on_cycles
from tasks.audit.site.macros import MACROS
from tasks.audit.site.similar import VALUES, near_duplicates
from tasks.audit.site.site import Site
from tasks.audit.site.walks import Edges, depths, pagerank

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

EDGES_AT_ONCE = 250_000
SIGNATURES_AT_ONCE = 10_000
NEAR = 0.9
"""Estimated Jaccard similarity of 5-word shingles from which two main texts are near duplicates."""


def prepare(connection: "duckdb.DuckDBPyConnection") -> Site:
    """Makes the tables that ``graph`` and ``audit_site`` read, as temporary ones of ``connection``.

    Args:
        connection: with the views pages, links, images, redirects, robots, sitemaps, sitemap_entries and targets, all
            of one run, and the one-row ``run(run_id, start_url, scope, complete)``. It can be prepared once.
    """
    for macro in MACROS:
        connection.execute(macro)
    start_url, complete = connection.execute("SELECT start_url, complete FROM run").fetchall()[0]
    ((links_cut,),) = connection.execute("SELECT EXISTS (FROM pages WHERE list_contains(cut, 'links'))").fetchall()
    connection.execute(tables.PAGE)
    site = Site(connection, start_url or "", bool(complete) and not _is_kept_out(connection), links_cut)
    connection.execute(tables.ADDRESS, {"failed": tables.FAILED})
    connection.execute(tables.START, {"start": site.start_url})
    for table in (
        tables.LINKED,
        tables.EDGE,
        tables.INLINK,
        tables.PLACE,
        tables.LISTED,
        tables.ALTERNATE,
        tables.FAULTY_LINK,
    ):
        connection.execute(table)
    _clusters(site)
    _ranks(site)
    _families(site)
    _near(site)
    for table in (tables.TRAIT, tables.REPEATED, tables.SHARED):
        connection.execute(table)
    return site


def _is_kept_out(connection: "duckdb.DuckDBPyConnection") -> bool:
    """True where robots.txt keeps the scanner from pages that search engines read."""
    refused = "SELECT EXISTS (FROM page WHERE reason = 'blocked-by-robots' AND NOT blocked)"
    return bool(connection.execute(refused).fetchall()[0][0])


def prepare_list(connection: "duckdb.DuckDBPyConnection") -> Site:
    """Makes what the rules of lists read, without looking at any link.

    Args:
        connection: as for ``prepare``.
    """
    for macro in MACROS:
        connection.execute(macro)
    site = Site(connection, "", complete=True)
    for table in (tables.PAGE, tables.NO_LINKS, tables.NO_START, tables.LISTED):
        connection.execute(table)
    return site


def graph(site: Site) -> pl.DataFrame:
    """How the pages hang together, one row each.

    - ``depth``: followed links on the shortest path from the start URL; null where there is none. A redirect is no
      step: the page it leads to is as deep as the link makes the address that redirects.
    - ``inlinks``, ``followed_inlinks``, ``contextual_inlinks``: other pages that link to it, straight or by a redirect;
      followed: without nofollow on the link or its page; contextual: outside of nav, header and footer.
    - ``pagerank``: internal PageRank, damping 0.85, sums up to 1. A followed link weighs 1 in main or body, 0.5 in
      aside, 0.3 in nav and header, 0.1 in footer, the best one counting for each pair of pages; links of a page to
      itself count for nothing. A link to an address that redirects or is canonicalised counts for the head of its
      cluster, and such an address gives all it has to that head.
    - ``canonical_cluster``: page id of the head of all that redirect to it or name it as their canonical.
    - ``duplicate_cluster``: page id of the first of the indexable pages with the same or nearly the same main text;
      null where there is no other.
    """
    return pl.DataFrame(site.db.sql(_GRAPH))


_GRAPH = """
WITH grouped AS (
    SELECT p.id, coalesce(near.cluster::VARCHAR, p.content_hash) AS content
    FROM page p LEFT JOIN near USING (content_hash) WHERE p.indexable AND p.word_count > 0),
alike AS (
    SELECT id, min(id) OVER (PARTITION BY content) AS head, count(*) OVER (PARTITION BY content) AS pages FROM grouped)
SELECT p.page_id,
    node.depth,
    inlink.inlinks, inlink.followed AS followed_inlinks, inlink.contextual AS contextual_inlinks,
    node.pagerank,
    head.page_id AS canonical_cluster,
    twin.page_id AS duplicate_cluster
FROM page p JOIN node USING (id) JOIN inlink USING (id) JOIN cluster USING (id) JOIN page head ON head.id = cluster.head
LEFT JOIN alike ON alike.id = p.id AND alike.pages > 1 LEFT JOIN page twin ON twin.id = alike.head
ORDER BY p.id
"""


def _keep(site: Site, name: str, columns: "dict[str, NDArray[np.generic]]") -> None:
    site.db.register("kept", columns)
    site.db.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM kept")  # noqa: S608 - a name of our own
    site.db.unregister("kept")


def _clusters(site: Site) -> None:
    """``cluster``: the head of each page; ``looping``: its canonicals lead back to it.

    A canonical makes a cluster where its target may take the page's place: a page or a redirect, not an error.
    """
    found = site.db.execute("""
        SELECT coalesce(p.ends, if(c.html OR c.redirecting, p.canon, NULL), p.id)::BIGINT AS leads,
            coalesce(p.canon, p.id)::BIGINT AS canon
        FROM page p LEFT JOIN page c ON c.id = p.canon ORDER BY p.id""").fetchnumpy()
    ids = np.arange(found["leads"].size, dtype=np.int32)
    _keep(
        site,
        "cluster",
        {"id": ids, "head": heads(found["leads"]).astype(np.int32), "looping": on_cycles(found["canon"])},
    )


def _ranks(site: Site) -> None:
    """``node``: depth and PageRank of each page."""
    size = site.count("FROM page")
    starts = site.db.execute("SELECT id FROM start").fetchnumpy()["id"]
    depth = depths(starts, _edges(site, _FOLLOWED, size), size)
    rank = pagerank(_edges(site, _PASSED_ON, size), size)
    _keep(site, "reached", {"id": np.arange(size, dtype=np.int32), "depth": depth, "pagerank": rank})
    site.db.execute("CREATE TEMP TABLE node AS SELECT id, if(depth < 0, NULL, depth) AS depth, pagerank FROM reached")


_FOLLOWED = """
SELECT source, target, weight FROM edge WHERE followed AND source >= $start AND source < $stop ORDER BY ALL
"""
_PASSED_ON = """
SELECT source, target, max(weight)::FLOAT AS weight FROM (
    SELECT e.source, goal.head AS target, e.weight
    FROM edge e JOIN cluster start ON start.id = e.source JOIN cluster goal ON goal.id = e.target
    WHERE e.followed AND start.head = e.source AND goal.head <> e.source
    UNION ALL
    SELECT id, head, 1 FROM cluster WHERE head <> id)
WHERE source >= $start AND source < $stop GROUP BY source, target ORDER BY ALL
"""


def _edges(site: Site, sql: str, size: int) -> Edges:
    """The edges that ``sql`` has for sources in a range; of all ranges, since a result weighs thrice its columns."""
    most = site.count("FROM edge") + size
    step = size * EDGES_AT_ONCE // max(most, 1) + 1
    edges = Edges(np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float32))
    filled = 0
    for start in range(0, size, step):
        found = site.db.execute(sql, {"start": start, "stop": start + step}).fetchnumpy()
        part = slice(filled, filled := filled + found["source"].size)
        edges.source[part], edges.target[part], edges.weight[part] = found["source"], found["target"], found["weight"]
    return Edges(edges.source[:filled], edges.target[:filled], edges.weight[:filled])


def _families(site: Site) -> None:
    """``family``: indexable pages that name each other as language versions, over any number of steps."""
    pairs = site.db.execute("""
        SELECT DISTINCT a.source::BIGINT AS source, a.target::BIGINT AS target
        FROM alternate a JOIN alternate back ON back.source = a.target AND back.target = a.source
        JOIN page one ON one.id = a.source JOIN page other ON other.id = a.target
        WHERE a.source < a.target AND one.indexable AND other.indexable""").fetchnumpy()
    size = site.count("FROM page")
    label = components(pairs["source"], pairs["target"], size)
    members = np.unique(np.concatenate((pairs["source"], pairs["target"])))
    _keep(site, "family", {"id": members.astype(np.int32), "family": label[members].astype(np.int32)})


def _near(site: Site) -> None:
    """``near``: indexable main texts that resemble another one, each with its cluster."""
    site.db.execute("""
        CREATE TEMP TABLE signature AS
        SELECT content_hash, first(minhash) AS minhash FROM pages JOIN (SELECT page_id FROM page WHERE indexable)
        USING (page_id) WHERE len(minhash) = 128 GROUP BY content_hash ORDER BY content_hash""")
    label, best = near_duplicates(_signatures(site), NEAR)
    _keep(site, "compared", {"row": np.arange(label.size), "cluster": label, "similarity": best})
    site.db.execute("""
        CREATE TEMP TABLE near AS
        SELECT s.content_hash, m.cluster, m.similarity FROM signature s JOIN compared m ON m.row = s.rowid
        WHERE m.similarity > 0""")
    site.db.execute("DROP TABLE signature; DROP TABLE compared")


def _signatures(site: Site) -> "NDArray[np.uint32]":
    """A row of values for each signature, in slices as edges are."""
    size = site.count("FROM signature")
    values = np.empty((size, VALUES), np.uint32)
    for start in range(0, size, SIGNATURES_AT_ONCE):
        stop = min(start + SIGNATURES_AT_ONCE, size)
        found = site.db.execute(_SIGNED, {"start": start, "stop": stop}).fetchnumpy()["value"]
        values[start:stop] = found.reshape(-1, VALUES)
    return values


_SIGNED = """
SELECT unnest(minhash) AS value FROM (
    SELECT minhash FROM signature WHERE rowid >= $start AND rowid < $stop ORDER BY rowid)
"""
