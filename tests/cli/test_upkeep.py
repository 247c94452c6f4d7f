"""seo store: merge, prune and check, as a person sees them."""

import pytest

from tasks.model import FetchFailure, PageState, Reason, ScannedPage, Verdict
from tasks.store import RunSpec, RunState, Store, Target


def page(number):
    url = f"https://tea.example/{number}"
    answer = FetchFailure(url=url, reason=Reason.DNS, detail="no such host")
    return ScannedPage(
        page_id=str(number), url=url, state=PageState.FAILED, reason=Reason.DNS, answer=answer, page=None,
        verdict=Verdict(),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tea data"


@pytest.fixture
def run(folder):
    """A run of ten parts that ended 91 days ago."""
    with Store.open(folder) as store:
        run = store.start_run(RunSpec(kind="batch"))
        store.add_targets(run, [Target(page(n).url, str(n)) for n in range(10)])
        store.lease(run.run_id, 1, "h", 10)
        for n in range(10):
            store.write_commit(run.run_id, 1, "h", "c", [page(n)])
        run = store.finish_run(run.run_id, 1, RunState.COMPLETED)
        with store._catalogue.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET finished_at = finished_at - 91 * 86400")
    return run


def test_small_parts_are_merged_and_the_dead_deleted_after_their_grace(seo, folder, run):
    status, out, err = seo("store", "compact", "--data", folder)
    assert (status, out, err) == (0, "", "no table has more than 500 parts that could be merged\n")
    err = seo("store", "compact", "--above", "9", "--data", folder)[2]
    assert "10 parts became 1, " in err
    assert "deleted" not in err
    assert "deleted 10 files, " in seo("store", "compact", "--grace", "0", "--data", folder)[2]
    assert len(list((folder / "facts" / "pages" / run.run_id).iterdir())) == 1
    assert seo("store", "check", "--data", folder) == (0, "", f"{folder}: nothing wrong\n")


def test_old_runs_go_and_are_named_before_and_after(seo, folder, run):
    assert seo("store", "prune", "--keep", "92d", "--data", folder)[1:] == ("", "no run is that old\n")
    assert (
        seo("store", "prune", "--keep", "13w", "--dry-run", "--data", folder)[1] == f"{run.run_id}  would be removed\n"
    )
    assert run.run_id in seo("runs", "--data", folder)[1]
    status, out, err = seo("store", "prune", "--keep", "90d", "--grace", "0", "--data", folder)
    assert (status, out) == (0, f"{run.run_id}  removed\n")
    assert "deleted 10 files, " in err
    assert run.run_id not in seo("runs", "--data", folder)[1]
    assert not list((folder / "facts").rglob("*.parquet"))


def test_one_run_goes_by_how_its_id_begins(seo, folder, run):
    assert seo("store", "prune", "--run", run.run_id[:12], "--data", folder)[::2] == (0, f"removed run {run.run_id}\n")
    status, _, err = seo("store", "prune", "--run", run.run_id, "--data", folder)
    assert (status, err.startswith(f"seo: no run {run.run_id} in this data folder")) == (2, True)


def test_what_is_refused_is_refused_by_a_dry_run_too(seo, folder, run):
    assert (
        seo("store", "prune", "--run", run.run_id, "--dry-run", "--data", folder)[2]
        == f"would remove run {run.run_id}\n"
    )
    with Store.open(folder) as store:
        store.resume_run(run.run_id)
    status, _, err = seo("store", "prune", "--run", run.run_id, "--dry-run", "--data", folder)
    assert (status, f"run {run.run_id} is running: cancel it first" in err) == (2, True)


@pytest.mark.parametrize("options", [[], ["--keep", "90d", "--run", "x"]])
def test_prune_wants_to_know_what_goes(seo, folder, run, options):
    status, _, err = seo("store", "prune", *options, "--data", folder)
    assert (status, err) == (
        2, "seo: say what goes: `seo store prune --keep 90d`, or `seo store prune --run RUN`\n"
    )  # fmt: skip
    assert run.total == 10


@pytest.mark.parametrize("keep", ["0", "0d", "90", "6m", "90s", "soon", "-1d", "1.5.5d", "d"])
def test_a_time_that_is_not_in_days_is_refused(seo, folder, run, keep):
    status, _, err = seo("store", "prune", f"--keep={keep}", "--data", folder)
    assert status == 2
    assert "--keep" in err
    assert f"'{keep}' does not say how many days, weeks or hours: write 90d, 12w or 48h" in " ".join(err.split())
    assert run.run_id in seo("runs", "--data", folder)[1]


def test_what_is_wrong_is_told_with_the_remedy_and_the_status(seo, folder, run):
    part = min((folder / "facts" / "pages" / run.run_id).iterdir())
    part.unlink()
    status, out, err = seo("store", "check", "--data", folder)
    assert (status, err) == (1, f"{folder}: 1 problem\n")
    assert out.startswith(f"facts/pages/{run.run_id}/{part.name} is missing: put the file back from a backup")
    assert f"`seo store prune --run {run.run_id}`" in out
    assert seo("store", "prune", "--run", run.run_id, "--data", folder)[0] == 0
    assert seo("store", "check", "--data", folder)[0] == 0


def test_there_has_to_be_a_data_folder(seo, folder):
    for command in (["compact"], ["prune", "--keep", "1d"], ["check"]):
        status, _, err = seo("store", *command, "--data", folder)
        assert (status, err.startswith(f"seo: no results in {folder}")) == (2, True)
    assert not folder.exists()
