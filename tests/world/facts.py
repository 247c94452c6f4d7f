"""What a data folder holds, seen from outside while a command writes it and when it has ended."""

import sqlite3
import time
from collections import Counter
from contextlib import closing

from tasks.store import connect

TABLES = ("pages", "site_pages", "links", "issues", "results", "images", "robots", "redirects", "sitemaps")
TIMES = ("run_id", "fetched_at", "ttfb_ms", "elapsed_ms", "tries", "headers")


def rows(data, query):
    with connect(data) as facts:
        return facts.execute(query).fetchall()


def stored_pages(data):
    """How many pages are committed."""
    try:
        with closing(sqlite3.connect(f"file:{data}/catalogue.sqlite?mode=ro", uri=True)) as catalogue:
            return catalogue.execute("SELECT count(*) FROM frontier WHERE state = 'completed'").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def stored_urls(data):
    """Addresses whose pages are committed."""
    with closing(sqlite3.connect(f"file:{data}/catalogue.sqlite?mode=ro", uri=True)) as catalogue:
        return {url for (url,) in catalogue.execute("SELECT url FROM frontier WHERE state = 'completed'")}


def wait_for_pages(data, count, seconds=120):
    for _ in range(seconds * 20):
        time.sleep(0.05)
        if stored_pages(data) >= count:
            return
    raise AssertionError(f"{count} pages were not committed in {seconds} s")


def differing(one, other, table):
    """Rows that only one of two folders has, but for times."""
    with connect(one) as facts, connect(other) as others:
        left, right = (counted(connection, table) for connection in (facts, others))
    assert left or table in {"redirects", "sitemaps"}
    return sorted(((left - right) + (right - left)).elements(), key=str)[:5]


def counted(facts, table, run=None):
    """How often there is each row of the table, or of one run in it, but for times."""
    names = [name for name, *_ in facts.execute(f"DESCRIBE {table}").fetchall() if name not in TIMES]
    here = "" if run is None else f" WHERE run_id = '{run}'"
    found = facts.execute(f"SELECT {', '.join(names)} FROM {table}{here}").fetchall()  # noqa: S608 - our names
    return Counter(tuple(_rounded(value) for value in row) for row in found)


def _rounded(value):
    if isinstance(value, float):
        return round(value, 9)
    return value if value is None or isinstance(value, str | int) else repr(value)
