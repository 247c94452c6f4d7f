import json
import shutil

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.batch_scan import batch_scan
from flows.scan_page import scan_page
from tasks.errors import InputError
from tasks.scan import task as room
from tasks.scan.settings import ScanOptions
from tasks.store import RunState, Store, connect, new_run_id

pytestmark = pytest.mark.usefixtures("prefect_db")


def urls_of(site, count=5):
    return [site.url(f"/{n}") for n in range(count)]


def results(options, query):
    with connect(options.data) as facts:
        return facts.execute(query).fetchall()


async def chunk_states(run_id, options):
    """(task name, state name) of the flow run's tasks, once they are recorded."""
    with Store.open(options.data) as store:
        flow_run_id = store.get_run(run_id).prefect_flow_run_id
    async with get_client() as client:
        runs = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])))
    return {run.name: run.state.name for run in runs}


async def test_scan_page_stores_the_page_and_asks_for_analysis_and_notification(site, options):
    site.pages["/0"] = "<html><title>Tea</title>"
    run_id = await scan_page(site.url("/0"), project_id="shop", user_id="ann", options=options)
    assert results(options, "select url, outcome, status, title from pages") == [
        (site.url("/0"), "completed", 200, "Tea")
    ]
    with Store.open(options.data) as store:
        run = store.get_run(run_id)
        page_id = store.targets_of(run_id)[0].page_id
        asked = json.loads(store.requests.get(f"{run_id}:{page_id}:analyze").payload)
        [told] = [note for note in store.notifications.list("ann") if note.title.startswith("Scan")]
    assert (run.kind, run.state, run.project_id, run.pages_per_second is not None) == (
        "scan",
        RunState.COMPLETED,
        "shop",
        True,
    )
    assert asked["payload"] == {"page_id": page_id, "url": site.url("/0"), "user_id": "ann"}
    assert (told.title, told.type) == ("Scan Complete", "success")
    assert site.url("/0") in told.message


async def test_scan_page_tells_what_robots_txt_disallows(site, options):
    site.pages["/robots.txt"] = (200, {"Content-Type": "text/plain"}, "User-agent: *\nDisallow: /0\n")
    await scan_page(site.url("/0"), options=options)
    assert results(options, "select status, blocked_by_robots, not_indexable from pages") == [
        (200, True, "blocked by robots.txt")
    ]
    assert results(options, "select url, severity from issues where rule = 'blocked-by-robots'") == [
        (site.url("/0"), "notice")
    ]
    assert site.paths().count("/robots.txt") == 1


async def test_scan_page_always_fetches(site, options):
    for _ in range(2):
        await scan_page(site.url("/0"), options=options)
    assert site.page_paths() == ["/0", "/0"]


async def test_a_page_that_cannot_be_fetched_is_a_result_not_a_failed_flow(options):
    run_id = await scan_page("http://10.0.0.1/", options=options)
    assert results(options, "select outcome, reason from pages") == [("failed", "address-refused")]
    with Store.open(options.data) as store:
        assert store.get_run(run_id).state == RunState.COMPLETED
        assert [note.title for note in store.notifications.list("local")] == ["Scan Failed"]


async def test_batch_scan_again_fetches_nothing_and_shows_cached(site, options):
    first = await batch_scan(urls=urls_of(site), options=options)
    second = await batch_scan(urls=urls_of(site), options=options)
    assert sorted(site.page_paths()) == ["/0", "/1", "/2", "/3", "/4"]
    assert results(options, "select run_id, count(*) from pages group by 1 order by 1") == sorted(
        [(first, 5), (second, 5)]
    )
    states = await chunk_states(second, options)
    assert {name: state for name, state in states.items() if name.startswith("scan-chunk")} == {
        "scan-chunk-00000": "Cached"
    }


async def test_a_list_with_one_url_added_fetches_one(site, options):
    await batch_scan(urls=urls_of(site), options=options)
    site.requests.clear()
    await batch_scan(urls=urls_of(site, 6), options=options)
    assert site.page_paths() == ["/5"]


async def test_pages_older_than_max_age_are_fetched_though_their_chunk_is_cached(site, options):
    await batch_scan(urls=urls_of(site), options=options)
    await batch_scan(urls=urls_of(site), options=options.model_copy(update={"max_age": 0}))
    assert len(site.page_paths()) == 10


async def test_another_or_a_deleted_data_folder_fetches_all(site, options, tmp_path):
    await batch_scan(urls=urls_of(site), options=options)
    await batch_scan(urls=urls_of(site), options=options.model_copy(update={"data": str(tmp_path / "other")}))
    assert len(site.page_paths()) == 10
    shutil.rmtree(options.data)
    await batch_scan(urls=urls_of(site), options=options)
    assert len(site.page_paths()) == 15


async def test_a_list_by_file_and_by_batch(site, options, tmp_path):
    listed = tmp_path / "list.csv"
    listed.write_text("name,url\n" + "".join(f"p,{url}\n" for url in urls_of(site)))
    run_id = await batch_scan(urls_file=str(listed), options=options)
    with Store.open(options.data) as store:
        batch_id = store.get_run(run_id).batch_id
    again = await batch_scan(batch_id=batch_id, options=options)
    assert len(site.page_paths()) == 5
    assert results(options, f"select count(*) from pages where run_id = '{again}'") == [(5,)]  # noqa: S608 - our id


async def test_a_failure_of_the_pipeline_is_recorded_and_raised(site, options, monkeypatch):
    async def broken(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    run_id = new_run_id()
    with pytest.raises(OSError, match="disk full"):
        await batch_scan(urls=urls_of(site), run_id=run_id, options=options)
    with Store.open(options.data) as store:
        run = store.get_run(run_id)
    assert (run.state, run.error) == (RunState.FAILED, "OSError: disk full")


async def test_an_unfinished_run_is_continued_under_its_id(site, options, monkeypatch):
    run_id = new_run_id()
    with monkeypatch.context() as broken:
        broken.setattr(room, "_jobs", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            await batch_scan(urls=urls_of(site), run_id=run_id, options=options)
    await batch_scan(run_id=run_id, options=options)
    with Store.open(options.data) as store:
        run = store.get_run(run_id)
    assert (run.state, run.epoch, run.total) == (RunState.COMPLETED, 2, 5)
    assert len(site.page_paths()) == 5


async def test_an_empty_list_is_refused(options):
    with pytest.raises(Exception, match="no URLs to scan"):
        await batch_scan(urls=[], options=options)


async def test_more_than_five_hundred_urls_are_no_parameter(options):
    with pytest.raises(Exception, match="500"):
        await batch_scan(urls=["http://h/"] * 501, options=options)


async def test_plain_data_only_travels(site, options):
    run_id = await batch_scan(urls=urls_of(site), options=options)
    with Store.open(options.data) as store:
        flow_run_id = store.get_run(run_id).prefect_flow_run_id
    async with get_client() as client:
        parameters = (await client.read_flow_run(flow_run_id)).parameters
    assert json.loads(json.dumps(parameters, default=str))["urls"] == urls_of(site)


async def test_a_user_agent_of_the_environment_that_cannot_be_sent_is_refused_at_once(monkeypatch):
    monkeypatch.setenv("SEO_USER_AGENT", "Mäuse")
    with pytest.raises(InputError, match="user agent Mäuse: only printable ASCII can be sent"):
        await room.load_settings(ScanOptions())
    assert (await room.load_settings(ScanOptions(user_agent="mice/1"))).options.user_agent == "mice/1"
