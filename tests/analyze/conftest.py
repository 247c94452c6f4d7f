from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from tasks.analyze.analysis import Analyst
from tasks.analyze.client import ModelClient
from tasks.analyze.ladder import LADDER
from tasks.analyze.subject import subject_of
from tasks.analyze.templates import DEFAULT_NAME, DEFAULT_TEXT
from tasks.store import Store
from tasks.urls import page_id
from tests.analyze.pages import PAGE, URL, keep, scanned
from tests.analyze.server import serving

KEY = "sk-canary-3f9a71c2"


@pytest.fixture
def model():
    with serving() as model:
        yield model


@pytest.fixture(autouse=True)
def fresh_ladder(monkeypatch):
    monkeypatch.setattr(LADDER, "_held", {})


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "SEO_MODEL_KEY", "SEO_MODEL_URL", "SEO_MODEL", "SEO_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as store:
        store.templates.ensure_default(DEFAULT_NAME, DEFAULT_TEXT)
        yield store


@pytest.fixture
def subject(store):
    """The sample page, stored."""
    run_id = keep(store, {URL: PAGE})
    identity = page_id("default", URL)
    return subject_of(store.latest_page(identity), store.html_of(run_id, identity))


@pytest.fixture
def read():
    """Reads a page as the store would give it, from its HTML."""

    def read(html, url=URL):
        page = scanned(html, url)
        facts = page.page
        return subject_of(
            {
                "run_id": "run",
                "page_id": page.page_id,
                "url": url,
                "final_url": url,
                "status": 200,
                "reason": None,
                "facts": {
                    "encoding": "utf-8",
                    "not_indexable": page.verdict.not_indexable,
                    "lang": facts.lang,
                    "title": facts.title,
                    "meta_description": facts.meta_description,
                    "canonicals": [found.url or found.href for found in facts.canonicals],
                    "headings": [{"level": found.level, "text": found.text} for found in facts.headings],
                    "word_count": facts.word_count,
                    "page_type": facts.page_type,
                    "images": [{"src": found.src, "alt": found.alt} for found in facts.images],
                    "links": [{"url": found.url, "internal": found.internal} for found in facts.links],
                    "hreflang": [],
                    "resources": [],
                    "structured_data": [{"type": list(found.types)} for found in facts.structured_data],
                    "open_graph": dict(facts.open_graph),
                },
                "issues": [
                    {
                        "rule": issue.rule,
                        "severity": issue.severity.value,
                        "category": issue.category,
                        "message": issue.message,
                        "fingerprint": issue.fingerprint,
                    }
                    for issue in page.verdict.issues
                ],
            },
            html.encode(),
        )

    return read


@pytest.fixture
def analyst(store, model):
    """Makes analysts that ask the model server, in a context of their own, and never sleep."""

    @asynccontextmanager
    async def analyst(**values):
        named = {"run_id": "run-1", "tell": notes.append, "template": store.templates.active(), "wait": wait}
        mine = {name: values.pop(name) for name in named if name in values}
        settings = values.pop("settings", None) or model.settings(**values)
        async with ModelClient(settings, SecretStr(KEY)) as client:
            yield Analyst(store=store, client=client, settings=settings, **{**named, **mine})

    async def wait(seconds):
        waits.append(seconds)

    notes, waits = [], []
    analyst.notes, analyst.waits = notes, waits
    return analyst
