import pytest

from tasks.audit.profile import Profile
from tasks.model import FetchOptions
from tasks.scan.pipeline import PagePipeline
from tasks.store import Store

NOT_NOW = (503, {}, "")


@pytest.fixture
async def pipeline(site, tmp_path):
    options = FetchOptions(allow=(site.host_port,), rate=0)
    with Store.open(tmp_path) as store:
        async with PagePipeline(options, Profile(), store.hosts, "me") as pipeline:
            yield pipeline


async def test_a_passing_failure_is_asked_again(site, pipeline):
    site.pages["/gone"] = lambda times: NOT_NOW if times == 1 else (404, {}, "")
    answer = await pipeline.fetch_patiently(site.url("/gone"), max_tries=3, patience=60)
    assert (answer.status, answer.tries, site.paths()) == (404, 2, ["/gone"] * 2)


async def test_after_its_tries_the_failure_is_the_answer(site, pipeline):
    site.pages["/gone"] = NOT_NOW
    answer = await pipeline.fetch_patiently(site.url("/gone"), max_tries=2, patience=60)
    assert (answer.status, site.paths()) == (503, ["/gone"] * 2)


async def test_a_long_wait_is_not_waited_for(site, pipeline):
    site.pages["/gone"] = (503, {"Retry-After": "300"}, "")
    answer = await pipeline.fetch_patiently(site.url("/gone"), max_tries=3, patience=60)
    assert (answer.status, site.paths()) == (503, ["/gone"])
