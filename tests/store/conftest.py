"""A store of its own for each test, in either place, and pages to put into it."""

import shutil
from datetime import UTC, datetime

import pytest

from tasks.model import (
    Canonical,
    FetchFailure,
    Heading,
    HeadText,
    Hop,
    Hreflang,
    Image,
    Issue,
    Link,
    MetaRefresh,
    Outcome,
    Page,
    PageState,
    Reason,
    Resource,
    Response,
    Robots,
    RuleResult,
    ScannedPage,
    Severity,
    StructuredData,
    Verdict,
)
from tasks.store import RunSpec, Store, Target
from tasks.store import parts as part_files
from tasks.store.catalogue import Catalogue
from tasks.store.part_folder import PartFolder
from tasks.store.shift import Shift
from tasks.urls import page_id

NEVER = -1
FETCHED_AT = datetime(2026, 11, 23, 15, 30, 1, 250_000, tzinfo=UTC)


@pytest.fixture(scope="session")
def servers():
    from tests.world.shared_store import servers  # noqa: PLC0415 - most runs need none

    with servers() as running:
        yield running


# The S3 server is a thread of the tests, and may ask for a random number while Hypothesis draws.
RANDOM = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module inside strategies:hypothesis.errors.HypothesisDeprecationWarning"
)


@pytest.fixture(params=["folder", pytest.param("shared", marks=[pytest.mark.world, RANDOM])], autouse=True)
def place(request, monkeypatch):
    """Where stores of the test keep catalogue and facts: in their folder, or in a database and a bucket."""
    if request.param == "shared":
        for name, value in request.getfixturevalue("servers").variables().items():
            monkeypatch.setenv(name, value)
    return request.param


@pytest.fixture
def store(tmp_path, place):  # noqa: ARG001 - says where
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def scanned():
    return _scanned


@pytest.fixture
def failed():
    return _failed


@pytest.fixture
def begin(store):
    """Starts a run over URLs, in chunks of ``size``."""

    def begin(*urls, size=250, **spec):
        run = store.start_run(RunSpec(**{"kind": "batch", "recipe": "r1", "batch_id": "b1", **spec}))
        store.add_targets(run, [Target(url, page_id("default", url)) for url in urls])
        store.assign_chunks(run, size)
        return store.get_run(run.run_id)

    return begin


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.fixture
def deaths(monkeypatch, pytestconfig):
    """Does work on copies of a folder, killed one step later each time; yields each after the death and when done."""

    def deaths(path, work):
        steps = [0, 0]

        def counted(original):
            def call(*args, **options):
                steps[0] += 1
                if steps[0] == steps[1]:
                    raise Killed
                done = original(*args, **options)
                steps[0] += 1
                if steps[0] == steps[1]:
                    raise Killed
                return done

            return call

        write = Catalogue.write
        monkeypatch.setattr(part_files, "stream", counted(part_files.stream))
        monkeypatch.setattr(PartFolder, "remove", counted(PartFolder.remove))
        end = Shift.end
        # Who is killed gives nothing back.
        monkeypatch.setattr(Shift, "end", lambda self: None if steps[0] == steps[1] else end(self))

        class Deadly:
            def __init__(self, catalogue):
                self._inner = write(catalogue)

            def __enter__(self):
                counted(lambda: None)()
                return self._inner.__enter__()

            def __exit__(self, *error):
                self._inner.__exit__(*error)
                if error[0] is None:
                    counted(lambda: None)()

        for until in range(1, 500, 5 if pytestconfig.getoption("--short") else 1):
            copy = path.with_name(f"copy-{until}")
            shutil.copytree(path, copy)
            with Store.open(copy) as store:
                steps[:] = [0, until]
                monkeypatch.setattr(Catalogue, "write", lambda self: Deadly(self))  # noqa: PLW0108 - a class is not bound
                try:
                    work(store)
                except Killed:
                    steps[:] = [0, NEVER]
                    with store._catalogue.write() as connection:
                        connection.exec_driver_sql("DELETE FROM leases")  # the time of the dead one's lease is over
                    yield store
                    work(store)
                    yield store
                else:
                    return
                finally:
                    monkeypatch.setattr(Catalogue, "write", write)
            shutil.rmtree(copy)
        raise AssertionError("it never came to its end")

    return deaths


def _scanned(url, *, status=200, title="Tea", fetched_at=FETCHED_AT, links=1, **changes):
    page = Page(
        url=url,
        requested_url=url,
        base_url=url,
        titles=(HeadText(title), HeadText("Second", in_head=False)),
        meta_descriptions=(HeadText("About tea"),),
        meta_keywords="tea, pot",
        robots=(Robots("googlebot", ("noindex", "max-snippet:-1"), "header"),),
        canonicals=(Canonical("/tea", "https://e.com/tea"), Canonical("http://[", None, "header")),
        hreflang=(Hreflang("de", "/de", "https://e.com/de"),),
        headings=(Heading(1, ""), Heading(1, "All tea"), Heading(2, "Green")),
        images=(Image("pot.png", "https://e.com/pot.png", None),),
        links=tuple(
            Link(f"/{n}", f"https://e.com/{n}", f"link {n}", "nofollow", "nav", internal=True) for n in range(links)
        ),
        lang="en",
        doctype="html",
        encoding="utf-8",
        viewport="width=device-width",
        meta_refresh=MetaRefresh(5.0, "https://e.com/next"),
        open_graph=(("og:title", "Tea"), ("og:image", "1"), ("og:image", "2")),
        twitter=(("twitter:card", "summary"),),
        structured_data=(
            StructuredData("json-ld", ("Product",), '{"@type": "Product", "price": 1.5}'),
            StructuredData("json-ld", (), '{"@type":', ("line 1: value expected",)),
        ),
        resources=(Resource("script", "https://e.com/a.js"),),
        word_count=7,
        minhash=(1, 2**32 - 1),
        title_px=30,
        html_length=11,
        content_hash="0123456789abcdef",
    )
    return ScannedPage(
        page_id=page_id("default", url),
        url=url,
        state=PageState.COMPLETED,
        reason=None,
        answer=Response(
            url=url,
            status=status,
            headers=(("content-type", "text/html; charset=utf-8"), ("etag", '"v1"')),
            body=b"<p>tea</p>\xff",
            text="<p>tea</p>�",
            encoding="utf-8",
            hops=(Hop("https://e.com/old", 301, "/new"),),
            wire_bytes=9,
            ttfb_ms=1.5,
            elapsed_ms=2.5,
            fetched_at=fetched_at,
        ),
        page=page,
        verdict=Verdict(
            issues=(
                Issue(
                    rule="title-too-short",
                    severity=Severity.WARNING,
                    category="title",
                    message="The title has 3 characters.",
                    evidence={"length": 3, "limit": 30, "title": title},
                    fingerprint="00112233445566ff",
                ),
            ),
            results=(
                RuleResult("title-too-short", Outcome.FAIL),
                RuleResult("soft-404", Outcome.NOT_APPLICABLE, "http-200"),
            ),
            not_indexable="noindex",
        ),
        **changes,
    )


def _failed(url, reason=Reason.DNS):
    return ScannedPage(
        page_id=page_id("default", url),
        url=url,
        state=PageState.FAILED,
        reason=reason,
        answer=FetchFailure(url=url, reason=reason, detail="no such host", fetched_at=FETCHED_AT, tries=2),
        page=None,
        verdict=Verdict(),
    )
