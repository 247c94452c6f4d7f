"""Time and memory of judging a large site: ``python tests/benchmarks/site_scale.py [PAGES] [LINKS_PER_PAGE]``.

A made-up site of 100,000 pages and 10 million links, in parts of 500 pages: footers that lead to an error, shared
titles, near duplicates, language pairs, a sitemap.
"""

# ruff: noqa: S608, T201 - SQL of its own, and figures are what it is for

import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from tasks.audit.site.engine import audit_site
from tasks.audit.site.prepare import graph, prepare
from tasks.store.columns import FACT_TABLES, IMAGES, LINKS, PAGES
from tasks.store.site import THREADS
from tasks.store.views import memory_for

RANDOM = np.random.default_rng(42)
PART = 500
TABLES = {table.name: table for table in FACT_TABLES}


def url(n: object) -> str:
    return f"https://example.com/catalogue/section/{n}.html"


def write(folder: Path, name: str, part: int, columns: dict) -> None:
    schema = TABLES[name].schema
    frame = pl.DataFrame(columns, strict=False)
    missing = [
        pl.lit(None).cast(dtype).alias(column) for column, dtype in schema.items() if column not in frame.columns
    ]
    frame.with_columns(missing).select(pl.col(c).cast(d) for c, d in schema.items()).write_parquet(
        folder / f"{name}-{part}.parquet"
    )


def make(folder: Path, pages: int, links: int) -> None:
    names = pl.Series([url(n) for n in range(pages)])
    signatures = RANDOM.integers(0, 2**32, size=(pages // 4 + 1, 128), dtype=np.uint32)
    for part, start in enumerate(range(0, pages, PART)):
        ids = np.arange(start, min(start + PART, pages))
        missing = ids % 97 == 96
        minhash = signatures[ids // 4].copy()
        minhash[:, : 1 + start % 20] = ids[:, None]
        write(
            folder,
            PAGES.name,
            part,
            {
                "run_id": "r",
                "page_id": [f"{n:016x}" for n in ids],
                "url": [url(n) for n in ids],
                "final_url": [url(n) for n in ids],
                "status": np.where(missing, 404, 200).tolist(),
                "outcome": "completed",
                "html_length": [None if gone else 40_000 for gone in missing],
                "title": [f"Article {n // 3} of the catalogue" for n in ids],
                "meta_description": [f"All about article {n}" for n in ids],
                "h1": [f"Article {n}" for n in ids],
                "not_indexable": ["status 404" if gone else "" for gone in missing],
                "robots": [[] for _ in ids],
                "canonicals": [[{"href": url(n), "url": url(n), "source": "html", "in_head": True}] for n in ids],
                "hreflang": [
                    [
                        {"lang": lang, "href": url(k), "url": url(k), "source": "html", "in_head": True}
                        for lang, k in (("en", n), ("de", n ^ 1))
                    ]
                    for n in ids
                ],
                "word_count": 500,
                "content_hash": [f"{n // 2:016x}" for n in ids],
                "minhash": minhash.tolist(),
            },
        )
        sources = np.repeat(ids, links)
        targets = RANDOM.integers(0, pages, size=sources.size)
        targets[::links] = 96  # a footer that leads to an error
        write(
            folder,
            LINKS.name,
            part,
            {
                "run_id": "r",
                "page_id": [f"{n:016x}" for n in sources],
                "source_url": names.gather(sources),
                "url": names.gather(targets),
                "text": "Read more about it",
                "rel": "",
                "position": pl.Series(["main", "nav", "footer", "aside"]).gather(RANDOM.integers(0, 4, sources.size)),
                "internal": True,
            },
        )
    write(
        folder,
        "sitemap_entries",
        0,
        {
            "run_id": "r",
            "sitemap": "https://example.com/sitemap.xml",
            "url": [url(n) for n in range(0, pages, 2)],
            "alternates": [[] for _ in range(0, pages, 2)],
        },
    )
    write(folder, IMAGES.name, 0, {"run_id": ["r"], "url": ["https://example.com/a.png"], "page_id": [f"{0:016x}"]})


def main(pages: int = 100_000, links: int = 100) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, pages, links)
        made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        db = duckdb.connect(config={"temp_directory": str(folder / "spilled"), "memory_limit": f"{memory_for(pages)}B"})
        db.execute(f"SET threads = {THREADS}; SET preserve_insertion_order = false")
        for table in FACT_TABLES:
            files = [str(path) for path in folder.glob(f"{table.name}-*.parquet")]
            if not files:
                write(folder, table.name, 0, {column: [] for column in table.schema})
                files = [str(folder / f"{table.name}-0.parquet")]
            db.execute(f"CREATE VIEW {table.name} AS SELECT * FROM read_parquet({files}, union_by_name = true)")
        db.execute(
            f"CREATE VIEW run AS SELECT 'r' AS run_id, '{url(0)}' AS start_url, 'host' AS scope, true AS complete"
        )
        steps = [("made", time.perf_counter())]
        site = prepare(db)
        steps.append(("prepare", time.perf_counter()))
        rows = graph(site).height
        steps.append(("graph", time.perf_counter()))
        verdict = audit_site(site)
        steps.append(("rules", time.perf_counter()))
        issues = sum(frame.height for frame in verdict.issues())
        steps.append(("issues", time.perf_counter()))
    for (_, before), (step, after) in pairwise(steps):
        print(f"{step:8} {after - before:6.1f} s")
    cpu = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{rows} pages, {issues} issues, {cpu:.0f} s CPU, peak {peak} MB (making the site {made} MB)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
