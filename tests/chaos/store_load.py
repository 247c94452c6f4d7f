"""One process of a store under load: ``python store_load.py write|read|compact FOLDER …`` prints JSON at its end.

A writer commits pages and times each commit, alone and with its staging; a reader looks on, with cursors that stay
open; the compactor merges parts and deletes the dead; both until a file is there.
"""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tasks.audit.engine import audit
from tasks.errors import SeoScanError
from tasks.extract.page import extract
from tasks.model import FetchFailure, PageState, Reason, Response, ScannedPage, Verdict
from tasks.scan.memory import collect_rarely
from tasks.store import Store, connect

ABOVE = 20
GRACE_S = 5.0
HELD_S = 0.2
MOST = 10**6


def failed(page_id, url):
    """One row."""
    answer = FetchFailure(url=url, reason=Reason.DNS, detail="no such host", fetched_at=datetime.now(UTC), tries=1)
    return ScannedPage(
        page_id=page_id, url=url, state=PageState.FAILED, reason=Reason.DNS, answer=answer, page=None, verdict=Verdict()
    )


def read_page(page_id, url):
    """A hundred rows in five tables."""
    return replace(_read_page(), page_id=page_id, url=url)


@cache
def _read_page():
    links = "".join(f'<p><a href="/{number}">Tea {number}</a>' for number in range(28))
    source = f"<!doctype html><html lang=en><title>Tea</title><h1>Tea</h1>{links}"
    headers = (("content-type", "text/html"),)
    answer = Response(url="https://e.com/", status=200, headers=headers, body=source.encode(), text=source)
    page = extract(answer)
    verdict = audit(answer, page)
    return ScannedPage(page_id="", url="", state=PageState.COMPLETED, reason=None, answer=answer, page=page,
                       verdict=verdict)  # fmt: skip


PAGES = {"failed": failed, "read": read_page}


def write(folder, chunk, *runs):
    """``runs`` as RUN:SIZE:KIND: commits all pages of the chunk, so many at a time, and later each commit once more.

    Says that it has its pages, and begins with the others, by a line of its input.
    """
    collect_rarely()  # as all that write pages do
    holder, times, done = f"w{chunk}", {}, []
    with Store.open(folder) as store:
        loads = [run.split(":") for run in runs]
        leased = {run_id: store.lease(run_id, 1, holder, MOST, chunk=int(chunk), lease_s=3600) for run_id, *_ in loads}
        print("ready", flush=True)  # noqa: T201 - to who started it
        sys.stdin.readline()
        for run_id, size, kind in loads:
            taken = times.setdefault(run_id, [])
            for some in batched(leased[run_id], int(size)):
                pages = [PAGES[kind](lease.page_id, lease.url) for lease in some]
                begun = time.perf_counter()
                staged = store.stage(run_id, f"c{chunk}", pages)
                packed = time.perf_counter()
                store.commit(run_id, 1, holder, staged)
                taken.append((time.perf_counter() - packed, time.perf_counter() - begun))
                done.append((run_id, staged))
        for run_id, staged in done:
            store.commit(run_id, 1, holder, staged)
    return times


def batched(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def read(folder, stop):
    """Counts that go up and no page twice, by connections whose cursors stay open while parts are merged."""
    times, wrong, seen = [], [], 0
    while not Path(stop).exists():
        begun = time.perf_counter()
        try:
            with connect(folder) as db:
                pages, distinct = db.execute("SELECT count(*), count(DISTINCT (run_id, page_id)) FROM pages").fetchone()
                times.append(time.perf_counter() - begun)
                cursor = db.execute("SELECT url FROM pages")
                first = cursor.fetchmany(1)
                time.sleep(HELD_S)
                in_all = len(first) + len(cursor.fetchall())
        except (SeoScanError, OSError, RuntimeError, ValueError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
            continue
        if not (pages == distinct == in_all and pages >= seen):
            wrong.append(f"{pages} pages, {distinct} distinct, {in_all} by the cursor, {seen} before")
        seen = pages
    return {"times": times, "wrong": wrong, "seen": seen}


def compact(folder, stop):
    merged = made = deleted = 0
    with Store.open(folder) as store:
        while not Path(stop).exists():
            done = store.upkeep.compact(above=ABOVE)
            deleted += store.upkeep.sweep(GRACE_S).dead
            merged, made = merged + done.merged, made + done.made
            time.sleep(0.05)
    return {"merged": merged, "made": made, "deleted": deleted}


if __name__ == "__main__":
    work = {"write": write, "read": read, "compact": compact}[sys.argv[1]]
    print(json.dumps(work(Path(sys.argv[2]), *sys.argv[3:])))  # noqa: T201 - its result
