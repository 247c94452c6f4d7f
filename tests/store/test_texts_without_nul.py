"""PostgreSQL takes no NUL in a text: none enters the catalogue, by whatever way."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tasks.errors import InputError
from tasks.events import BadEvent, read_request
from tasks.store import NewRecommendation, OutboxRequest, Push, RunSpec, RunState, Target
from tasks.store.schema import METADATA

NUL = "a\0b"
SHOWN = "a\N{REPLACEMENT CHARACTER}b"


def texts(store):
    """Every text in the catalogue."""
    with store._catalogue.read() as connection:
        found = [
            value for table in METADATA.sorted_tables for row in connection.execute(select(table)) for value in row
        ]
    return [value for value in found if isinstance(value, str)]


def test_texts_of_pages_models_and_people_have_none(store, scanned):
    run = store.start_run(RunSpec(kind="batch", start_url=NUL, options='{"a": "\\u0000"}'))
    page = replace(scanned("https://e.com/"), url=f"https://e.com/{NUL}")
    store.add_targets(run, [Target(page.url, page.page_id)])
    request = OutboxRequest("r1", "notification/send", {"message": NUL})
    store.write_commit(run.run_id, 1, "me", "k", [page], outbox=[request])
    store.outbox.postpone("r1", 1.0, NUL)
    store.finish_run(run.run_id, 1, RunState.FAILED, error=NUL, incomplete_reason=NUL)
    advice = NewRecommendation(
        title=NUL,
        description=NUL,
        priority="high",
        category=NUL,
        findings=(),
        rules=(),
        proposed_title=NUL,
        proposed_json_ld=NUL,
    )
    store.recommendations.save(run.run_id, page.page_id, page.url, [advice], source="llm", model=NUL)
    push = Push(channel="c", event="e", data={"said": NUL})
    store.notifications.add(key="n1", user_id="ann", title=NUL, message=NUL, type="info", pushes=[push])
    store.projects.add("shop", "ann", NUL)
    store.templates.add(NUL, NUL)
    store.register_page("shop", NUL)
    store.model_ledger.answer("key", "me", NUL, NUL)
    call = store.model_ledger.reserve(key="key", run_id="r", page_id="p", amount=1, cap_run=None, cap_day=None)
    store.model_ledger.settle(call, cost=1, prompt_tokens=1, completion_tokens=1, outcome="ok", model=NUL)
    stored = texts(store)
    assert SHOWN in stored
    assert [text for text in stored if "\0" in text] == []
    assert store.get_run(run.run_id).error == SHOWN
    assert store.notifications.list("ann")[0].message == SHOWN
    assert store.recommendations.of_run(run.run_id)[0].proposed_json_ld == SHOWN
    (entry,) = store.outbox.pending(pushes=False)
    assert entry.payload == {"message": NUL}  # JSON has a way to write it


@pytest.mark.parametrize("bad", [NUL, "a\ud800"])
def test_ids_are_refused_not_changed(store, bad):
    with pytest.raises(InputError, match=r"the request id a\\.* has characters that no id can have"):
        store.requests.claim(bad, "run-1", flow="scan-page", user_id="ann")
    with pytest.raises(InputError, match="the run id"):
        store.start_run(RunSpec(kind="scan", run_id=bad))


@pytest.mark.parametrize("field", ["title", "message"])
def test_a_typed_notification_is_refused_at_the_door(field):
    payload = {"user_id": "ann", "title": "t", "message": "m", "type": "info", field: NUL}
    with pytest.raises(BadEvent, match=f"{field}: has a NUL character, which cannot be stored: leave it out"):
        read_request("notification/send", payload)
