"""`seo crawl` of real sites and hard ones: whole, once, resumable, polite."""

import os
import signal
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from selectolax.lexbor import LexborHTMLParser

from flows.crawl_site import crawl_site
from tasks.crawl.traps import MAX_DATES_AHEAD, MAX_YEARS_AHEAD
from tasks.scan.settings import ScanOptions
from tasks.store import Store
from tests.docs_sites import DOCS
from tests.generated.endless import CHAIN_PAGES, ENDLESS, chain
from tests.generated.server import serve
from tests.generated.star import star
from tests.world.facts import TABLES, differing, rows, stored_pages, stored_urls, wait_for_pages

pytestmark = pytest.mark.world

BESIDES = {"robots.txt", "sitemap.xml"}


@dataclass(frozen=True)
class Command:
    """`seo crawl` in an environment."""

    seo: str
    environment: dict

    def line(self, url, data, *more):
        return [self.seo, "crawl", url, "--data", str(data), "--check", "none", *more]

    def run(self, url, data, *more):
        done = subprocess.run(
            self.line(url, data, *more),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def begin(self, url, data, *more):
        return subprocess.Popen(
            self.line(url, data, *more),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def command(seo, served_environment):
    return Command(seo, served_environment)


@dataclass(frozen=True)
class Undisturbed:
    """A crawl that nothing happened to. ``requests`` counts the paths that the server was asked for."""

    data: Path
    requests: Counter


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, docs_site, command):
    """Crawls of the documentation sites, each made when it is asked for."""
    made = {}

    def crawled(name):
        if name not in made:
            data = tmp_path_factory.mktemp(name) / "data"
            before = len(docs_site.log.read_text().splitlines())
            command.run(f"{docs_site.base}/{name}/", data)
            lines = docs_site.log.read_text().splitlines()[before:]
            made[name] = Undisturbed(data, Counter(line.split()[3] for line in lines))
        return made[name]

    return crawled


def walk(base, name):
    """Statuses by address, and pages by broken target: what a crawl by nobody's rules but a[href] meets."""
    start = f"{base}/{name}/"
    statuses, sources = {}, defaultdict(set)
    waiting = [start]
    while waiting:
        url = waiting.pop()
        if url in statuses:
            continue
        path = DOCS[name] / (url.removeprefix(start).partition("?")[0] or "index.html")
        statuses[url] = 200 if path.is_file() else 404
        if path.suffix != ".html" or not path.is_file():
            continue
        for link in LexborHTMLParser(path.read_bytes()).css("a[href]"):
            target = urldefrag(urljoin(url, (link.attributes["href"] or "").strip())).url
            if target.startswith(start):
                waiting.append(target)
                sources[target].add(url)
    return statuses, {url: sources[url] for url, status in statuses.items() if status != 200}


@pytest.mark.parametrize(("name", "pages", "broken"), [("pg", 1170, []), ("dj", 692, []), ("py", 527, [17])])
def test_a_crawl_reaches_what_an_independent_walk_reaches(docs_site, undisturbed, name, pages, broken):
    data = undisturbed(name).data
    statuses, sources = walk(docs_site.base, name)
    assert dict(rows(data, "SELECT url, status FROM pages")) == statuses
    html = "SELECT count(*), count(DISTINCT url) FROM pages WHERE outcome = 'completed' AND status = 200"
    assert rows(data, html) == [(pages, pages)]
    found = defaultdict(set)
    query = "SELECT evidence ->> '$.target', url FROM issues WHERE rule = 'link-broken-internal'"
    for target, source in rows(data, query):
        found[target].add(source)
    assert dict(found) == sources
    assert sorted(map(len, found.values())) == broken
    assert rows(data, "SELECT state, incomplete FROM runs") == [("completed", False)]


@pytest.mark.parametrize("name", ["pg", "dj", "py"])
def test_no_page_is_asked_for_twice(docs_site, undisturbed, name):
    crawled = undisturbed(name)
    fetched = {url.removeprefix(docs_site.base) for (url,) in rows(crawled.data, "SELECT url FROM pages")}
    assert {path: times for path, times in crawled.requests.items() if times > 1} == {}
    beside = crawled.requests.keys() - fetched
    assert {path for path in beside if path.rpartition("/")[2] in BESIDES} == {"/robots.txt", "/sitemap.xml"}
    assert len(beside) == 3  # and one for a page that cannot exist


def test_killed_twice_and_resumed_equals_undisturbed(tmp_path, docs_site, undisturbed, command):
    data, url = tmp_path / "data", f"{docs_site.base}/py/"
    whole = undisturbed("py").data
    limits = ("--rate", "60")  # so that neither the first commits nor the crawl are over before the kill
    before = asked = len(docs_site.log.read_text().splitlines())
    stored, fetched_again = set(), set()
    for _ in range(2):
        running = command.begin(url, data, *limits)
        wait_for_pages(data, stored_pages(data) + 30)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        fetched_again |= stored & requested(docs_site, asked)
        stored, asked = stored_urls(data), len(docs_site.log.read_text().splitlines())
    done = command.run(url, data, *limits)
    fetched_again |= stored & requested(docs_site, asked)
    assert fetched_again == set()
    assert "continuing run" in done.stderr
    assert rows(data, "SELECT state, incomplete, epoch FROM runs") == [("completed", False, 3)]
    assert rows(data, "SELECT count(*) - count(DISTINCT url) FROM pages") == [(0,)]
    for table in TABLES:
        assert differing(data, whole, table) == [], table
    lines = docs_site.log.read_text().splitlines()[before:]
    assert max(Counter(line.split()[3] for line in lines).values()) <= 3


def requested(docs_site, before):
    """Addresses asked for since the log had ``before`` lines."""
    return {docs_site.base + line.split()[3] for line in docs_site.log.read_text().splitlines()[before:]}


def test_a_crawl_outlives_a_killed_worker(tmp_path, docs_site, command):
    data = tmp_path / "data"
    running = command.begin(f"{docs_site.base}/pg/", data, "--rate", "60", "--max-pages", "450")
    wait_for_pages(data, 230)
    os.kill(worker_of(running.pid), signal.SIGKILL)
    _, errors = running.communicate(timeout=180)
    assert running.returncode == 0, errors
    assert rows(data, "SELECT outcome, count(*), count(DISTINCT url) FROM pages GROUP BY 1") == [
        ("completed", 450, 450)
    ]


def worker_of(group):
    """A pool process of a command that leads its process group."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == group and b"spawn_main" in (process / "cmdline").read_bytes():
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("no worker")


def test_two_crawls_at_once_share_one_hosts_rate(tmp_path, docs_site, command):
    before = len(docs_site.log.read_text().splitlines())
    limits = ("--rate", "20", "--concurrency", "4", "--max-pages", "50")
    for running in [command.begin(f"{docs_site.base}/{name}/", tmp_path, *limits) for name in ("pg", "dj")]:
        _, errors = running.communicate(timeout=180)
        assert running.returncode == 0, errors
    lines = [line.split() for line in docs_site.log.read_text().splitlines()[before:]]
    assert 100 <= len(lines) <= 108
    starts = sorted(float(end) - float(took) for end, took, *_ in lines)
    # A loaded machine delivers late what all four connections have under way; apart they would come to 40.
    assert max(sum(1 for other in starts if start <= other < start + 1) for start in starts) <= 20 + 1 + 4


def test_two_crawls_at_once_share_one_hosts_connections(tmp_path, command):
    with serve(star(30, delay=0.25)) as served:
        limits = ("--rate", "0", "--concurrency", "4")
        for running in [command.begin(f"{served.origin}/{end}", tmp_path, *limits) for end in ("", "?other")]:
            _, errors = running.communicate(timeout=180)
            assert running.returncode == 0, errors
        starts = [request.time for request in served.requests() if request.status == 200]
    assert len(starts) == 62
    # Each is being answered for 0.25 s; what is not there, at once.
    assert max(sum(1 for other in starts if start <= other < start + 0.24) for start in starts) <= 4


@pytest.fixture
def options(tmp_path):
    return ScanOptions(data=str(tmp_path / "data"))


needs_prefect = [
    pytest.mark.usefixtures("prefect_db"),
    # Prefect's own clients, closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


class TestFlow:
    pytestmark = needs_prefect

    async def test_a_chain_of_a_thousand_pages_takes_few_task_runs(self, options):
        with serve(chain) as served:
            allowed = options.model_copy(update={"allow": (served.host_port,)})
            run_id = await crawl_site(f"{served.origin}/1", check=[], options=allowed)
            assert served.repeated() == {}
        with Store.open(options.data) as store:
            run = store.get_run(run_id)
        assert rows(options.data, "SELECT count(*), max(depth) FROM site_pages") == [(CHAIN_PAGES, CHAIN_PAGES - 1)]
        assert not run.incomplete
        async with get_client() as client:
            here = FlowRunFilter(id=FlowRunFilterId(any_=[run.prefect_flow_run_id]))
            assert 4 <= len(await client.read_task_runs(flow_run_filter=here)) <= 30

    async def test_a_page_that_drips_delays_no_other(self, options, monkeypatch):
        monkeypatch.setenv("SEO_DEADLINE", "20")
        with serve(star(400), drip={"/7": 60}) as served:
            allowed = options.model_copy(update={"allow": (served.host_port,)})
            run_id = await crawl_site(f"{served.origin}/", check=[], options=allowed)
            pages = [request for request in served.requests() if request.path.strip("/").isdigit()]
        begun = next(request.time for request in pages if request.path == "/7")
        assert max(request.time for request in pages) - begun < 20
        assert len(pages) == 400
        outcomes = "SELECT coalesce(reason, outcome), count(*) FROM pages GROUP BY 1 ORDER BY 2"
        assert rows(options.data, outcomes) == [("deadline", 1), ("completed", 400)]
        with Store.open(options.data) as store:
            assert not store.get_run(run_id).incomplete

    async def test_an_endless_calendar_is_cut_at_its_horizon(self, options):
        today = datetime.now(UTC).date()
        with serve(ENDLESS["calendar"]) as served:
            allowed = options.model_copy(update={"allow": (served.host_port,)})
            await crawl_site(f"{served.origin}/", check=[], max_pages=300, options=allowed)
            assert served.repeated() == {}
        stand = dict(rows(options.data, "SELECT url, coalesce(reason, outcome) FROM pages"))
        cut = {url for url, how in stand.items() if how == "crawl-trap"}
        read = {url for url, how in stand.items() if how == "completed"}
        assert cut
        assert len(read) == 300
        assert {f"{served.origin}/tea/{number}" for number in range(1, 11)} <= read
        in_the_month = f"{served.origin}/events/{today.year + MAX_YEARS_AHEAD}/{today.month:02}/31"
        assert min(cut) > in_the_month
        # of a year's months three do not look like dates
        assert MAX_DATES_AHEAD <= sum(in_the_month < url for url in read if "/events/" in url) <= MAX_DATES_AHEAD + 3

    async def test_combined_parameters_end(self, options):
        with serve(ENDLESS["facets"]) as served:
            allowed = options.model_copy(update={"allow": (served.host_port,)})
            run_id = await crawl_site(f"{served.origin}/", check=[], max_pages=2000, options=allowed)
        stand = Counter(how for (how,) in rows(options.data, "SELECT coalesce(reason, outcome) FROM pages"))
        assert stand["crawl-trap"] > 0
        assert 500 <= stand["completed"] <= 700
        with Store.open(options.data) as store:
            assert not store.get_run(run_id).incomplete
