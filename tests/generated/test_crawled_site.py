"""`seo crawl` of the generated site, from the command line to the views."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.store import connect
from tests.generated.compare import differences
from tests.generated.server import serve
from tests.generated.site import CHECKED_RULES, PAGE_RULES, RAISED_RULES, generate

pytestmark = [pytest.mark.chaos, pytest.mark.beside]

SEO = Path(sys.executable).with_name("seo")


class Crawled:
    """A finished crawl and the requests that it made."""

    def __init__(self, site, data, prefect_api, *, seed=0, fail_first=0.0, more=()):
        with serve(site.reply, site.reply_elsewhere, fail_first=fail_first, seed=seed) as self.served:
            origin = self.served.origin
            ended = subprocess.run(
                [SEO, "crawl", f"{origin}/", "--data", data, "--allow", self.served.elsewhere_host_port, *more],
                capture_output=True,
                check=False,
                env={**os.environ, "PREFECT_API_URL": prefect_api, "NO_COLOR": "1"},
                text=True,
                timeout=600,
            )
        assert ended.returncode == 0, ended.stderr
        with connect(data) as db:
            issues = db.execute("SELECT rule, url, severity FROM issues").fetchall()
            self.outcomes = dict(db.execute("SELECT rule, outcome FROM results WHERE page_id = ''").fetchall())
            depths = db.execute("SELECT url, depth FROM site_pages").fetchall()
            self.incomplete = db.execute("SELECT incomplete FROM runs").fetchall()[0][0]
        told = [(rule, url.removeprefix(origin), severity) for rule, url, severity in issues]
        self.noticed = {path for rule, path, severity in told if rule in RAISED_RULES and severity == "notice"}
        self.found = {
            (rule, path)
            for rule, path, severity in told
            if rule in PAGE_RULES or (rule in RAISED_RULES and severity == "warning")
        }
        self.depths = {url.removeprefix(origin): depth for url, depth in depths}
        self.asked = {request.path for request in self.served.requests()}


def pytest_generate_tests(metafunc):
    if "fail_first" in metafunc.fixturenames:
        cases = [(1, 0.08)] if metafunc.config.getoption("--short") else [(1, 0.0), (1, 0.08), (2, 0.08)]
        metafunc.parametrize(("seed", "fail_first"), cases)


def test_a_generated_site_is_judged_exactly(tmp_path, prefect_api, seed, fail_first):
    site = generate(seed)
    crawled = Crawled(site, tmp_path / "data", prefect_api, seed=seed, fail_first=fail_first)
    assert not crawled.incomplete
    assert differences(crawled.found, site.expected) == ""
    raised = {planted.path for planted in site.planted if planted.rule in RAISED_RULES}
    assert len(crawled.noticed) == 4
    assert not crawled.noticed & raised
    assert {rule: crawled.outcomes.get(rule) for rule in site.outcomes} == site.outcomes
    assert {path: crawled.depths[path] for path in site.drafts} == {path: site.depth.get(path) for path in site.drafts}
    assert site.fetched <= crawled.asked
    assert not site.blocked & crawled.asked
    assert not site.fetched & crawled.served.repeated().keys()
    assert bool(crawled.served.failed) == bool(fail_first)


def test_without_checks_only_what_they_tell_is_missing(tmp_path, prefect_api):
    site = generate(1)
    crawled = Crawled(site, tmp_path / "data", prefect_api, more=["--check", "none"])
    expected = {finding for finding in site.expected if finding[0] not in CHECKED_RULES}
    assert differences(crawled.found, expected) == ""
    assert {crawled.outcomes[rule] for rule in CHECKED_RULES} == {"unknown"}
    assert not crawled.served.requests(crawled.served.elsewhere_host_port)
