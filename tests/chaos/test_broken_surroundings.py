"""Disk full, folder read-only, catalogue busy, clock wrong: said clearly, nothing lost, resumable."""

import asyncio
import os
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import pytest

from tasks.errors import StoreError
from tasks.model import FetchOptions
from tasks.scan.chunk import Chunk
from tasks.scan.records import begin_run, jobs_of, resume_run, targets_of
from tasks.scan.settings import ScanSettings
from tasks.store import RunSpec, Store, connect

pytestmark = pytest.mark.chaos

PAGES = 120


@pytest.fixture
def paths(site):
    """Pages of 200 kB that take half of that on disk."""
    found = [f"/{number:03}" for number in range(PAGES)]
    site.pages = {
        path: f"<title>{path} of the site</title><h1>{path}</h1><!-- {os.urandom(100_000).hex()} -->" for path in found
    }
    return found


@pytest.fixture
def begun(site, paths):
    def begin(data):
        settings = ScanSettings(data=str(data), options=FetchOptions(allow=(site.host_port,)), max_age=0)
        with Store.open(data) as store:
            return begin_run(store, RunSpec(kind="batch"), targets_of("default", map(site.url, paths)), settings)

    return begin


def work(data, run_id):
    """Resumes the run and does what is open of it, as another process would."""
    with Store.open(data) as store:
        run, settings = resume_run(store, run_id)
        for job, _ in jobs_of(store, run, settings, deadline=time.time() + 120):
            asyncio.run(Chunk(job, store).run())


def stored(data):
    with connect(data) as facts:
        return facts.execute("SELECT url, outcome FROM pages ORDER BY url").fetchall()


def assert_whole(data, site, paths):
    assert stored(data) == [(site.url(path), "completed") for path in paths]
    with connect(data) as facts:
        for table in ("results", "issues"):
            assert facts.execute(f"SELECT count(DISTINCT url) FROM {table}").fetchone() == (PAGES,)  # noqa: S608 - ours


@contextmanager
def mounted(folder, *options):
    folder.mkdir()
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(tmp_path, site, paths, begun, record):
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=11m", "tmpfs") as small:
        data = small / "data"
        run = begun(data)
        with pytest.raises(StoreError, match="free space") as full:
            work(data, run.run_id)
        assert str(small) in str(full.value)
        kept = stored(data)
        assert 0 < len(kept) < PAGES
        before = len(site.page_paths())
        subprocess.run(["mount", "-o", "remount,size=200m", str(small)], check=True)
        work(data, run.run_id)
        assert_whole(data, site, paths)
        again = len(site.page_paths()) - before
        assert again == PAGES - len(kept)
        assert list(data.rglob("*.tmp")) == []
    record("disk-full", pages=PAGES, kept=len(kept), fetched_after=again, lost=0)


def test_a_read_only_folder_is_named_and_can_be_read(tmp_path, site, paths, begun, record):
    source = tmp_path / "folder"
    run = begun(source / "data")
    work(source / "data", run.run_id)
    with mounted(tmp_path / "mounted", "--bind", str(source)) as folder:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        with pytest.raises(StoreError, match=r"cannot write to data folder .*: name another with --data"):
            Store.open(folder / "data")
        assert_whole(folder / "data", site, paths)
    record("read-only", pages=PAGES, readable=PAGES)


def test_a_catalogue_busy_for_five_seconds_costs_time_only(tmp_path, site, paths, begun, record):
    data = tmp_path / "data"
    run = begun(data)
    seconds, let_go = 5, threading.Event()

    def hold():
        with closing(sqlite3.connect(data / "catalogue.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            let_go.wait(seconds)
            other.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    began = time.monotonic()
    work(data, run.run_id)
    took = time.monotonic() - began
    holder.join()
    assert took >= seconds - 1
    assert_whole(data, site, paths)
    record("sqlite-busy", held_s=seconds, pages=PAGES, lost=0)


@pytest.mark.parametrize("jump", [-3600, 3600], ids=["back", "on"])
def test_a_clock_that_jumps_an_hour_loses_nothing(tmp_path, site, paths, begun, monkeypatch, record, jump):
    data = tmp_path / "data"
    run = begun(data)
    true, jumps_at = time.time, len(paths) // 2

    def wrong():
        return true() + (jump if len(site.requests) > jumps_at else 0)

    monkeypatch.setattr(time, "time", wrong)
    with Store.open(data) as store:
        taken, settings = resume_run(store, run.run_id)
        jobs = [job for job, _ in jobs_of(store, taken, settings, deadline=true() + 7200)]
        for job in jobs:
            asyncio.run(Chunk(job, store).run())
    monkeypatch.undo()
    assert_whole(data, site, paths)
    assert sorted(site.page_paths()) == paths  # each once
    record(f"clock-jump-{'back' if jump < 0 else 'on'}", seconds=jump, pages=PAGES, lost=0)
