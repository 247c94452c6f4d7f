"""Pages as the store has them."""

from tasks.audit import audit
from tasks.extract.page import extract
from tasks.model import PageState, Response, ScannedPage
from tasks.store import RunSpec, RunState, Target
from tasks.urls import page_id

URL = "https://shop.example/tea"
PAGE = """<!doctype html><html lang="en"><head><title>Tea</title></head><body>
<h1>Green tea</h1><p>We grow, dry and send green tea from the first spring harvest.</p>
<a href="/basket">Basket</a><img src="/leaf.jpg"></body></html>"""


def scanned(html, url=URL, project="default"):
    answer = Response(
        url=url, status=200, headers=(("content-type", "text/html; charset=utf-8"),), body=html.encode(), text=html,
        encoding="utf-8",
    )  # fmt: skip
    page = extract(answer)
    return ScannedPage(
        page_id=page_id(project, url),
        url=url,
        state=PageState.COMPLETED,
        reason=None,
        answer=answer,
        page=page,
        verdict=audit(answer, page),
    )


def keep(store, pages, *, kind="scan", options="{}"):
    """Stores pages, HTML by URL, as one finished run; returns its id."""
    run = store.start_run(RunSpec(kind=kind, options=options))
    found = [scanned(html, url) for url, html in pages.items()]
    store.add_targets(run, [Target(page.url, page.page_id) for page in found])
    store.write_commit(run.run_id, run.epoch, "test", "part", found)
    store.finish_run(run.run_id, run.epoch, RunState.COMPLETED)
    return run.run_id
