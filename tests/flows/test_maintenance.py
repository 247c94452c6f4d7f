"""maintain-store: what it does to a data folder, and what it refuses."""

import asyncio

import pytest

from flows.batch_scan import batch_scan
from flows.maintain_store import maintain_store
from tasks.errors import InputError
from tasks.store import compaction
from tasks.store.shift import shift

pytestmark = pytest.mark.usefixtures("prefect_db")
DAY = 86400.0


def grow_old(store, run_id, days):
    with store._catalogue.write() as connection:
        for column in ("started_at", "finished_at", "last_commit_at"):
            connection.exec_driver_sql(f"UPDATE runs SET {column} = {column} - {days * DAY} WHERE run_id = '{run_id}'")  # noqa: S608 - of the test


def live(store):
    """Live parts of pages: how each name begins."""
    with store._catalogue.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM parts WHERE live AND table_name = 'pages'").scalars()
        return [name.rpartition("-")[0] for name in names]


async def test_runs_are_kept_for_good_or_as_long_as_block_or_parameter_say(site, store, options, monkeypatch):
    runs = []
    for days in (200, 100, 0):
        runs.append(
            await batch_scan(urls=[site.url(f"/{days % 3}")], options=options.model_copy(update={"max_age": 0}))
        )
        grow_old(store, runs[-1], days)
    await maintain_store(data=options.data)
    assert {run.run_id for run in store.list_runs()} == set(runs)
    monkeypatch.setenv("SEO_KEEP_RUNS", "150d")
    await maintain_store(data=options.data, grace="0")
    assert {run.run_id for run in store.list_runs()} == set(runs[1:])
    freed = await maintain_store(data=options.data, keep="90d", grace="0")
    assert freed > 0
    assert {run.run_id for run in store.list_runs()} == {runs[2]}
    assert {path.parent.name for path in (store.path / "facts").rglob("*.parquet")} == {runs[2]}
    assert store.upkeep.check() == []


@pytest.fixture
def few_are_many(monkeypatch):
    """A commit for each page, and two parts are worth merging."""
    monkeypatch.setattr(compaction.compact, "__kwdefaults__", {"above": 1, "runs": None})
    monkeypatch.setattr(compaction, "ABOVE", 1)
    monkeypatch.setattr(compaction, "FEW", 2)
    monkeypatch.setattr("tasks.scan.committer.COMMIT_PAGES", 1)
    monkeypatch.setattr("tasks.scan.tidy_task.in_own_process", asyncio.to_thread)  # which knows these limits


@pytest.mark.usefixtures("few_are_many")
async def test_a_batch_merges_its_own_parts_before_it_is_judged(site, store, options):
    run_id = await batch_scan(urls=[site.url(f"/{n}") for n in range(6)], options=options)
    assert live(store) == ["part-merged"]
    assert store.get_run(run_id).state == "completed"
    assert store.upkeep.check() == []


@pytest.mark.usefixtures("few_are_many")
async def test_a_batch_is_judged_although_another_is_at_the_upkeep(site, store, options, caplog):
    with shift(store._catalogue):
        run_id = await batch_scan(urls=[site.url(f"/{n}") for n in range(6)], options=options)
    assert len(live(store)) == 6
    assert store.get_run(run_id).state == "completed"
    assert f"parts of run {run_id} stay as they are: " in caplog.text
    assert "is at the upkeep of" in caplog.text


async def test_a_length_of_time_that_is_none_is_refused(tmp_path):
    for keep in ("soon", "90", "6m", "0d"):
        with pytest.raises(InputError, match=f"keep: '{keep}' does not say how many days, weeks or hours: write 90d"):
            await maintain_store(keep=keep, data=str(tmp_path))
    with pytest.raises(InputError, match="grace: 'soon' is no length of time"):
        await maintain_store(grace="soon", data=str(tmp_path))
