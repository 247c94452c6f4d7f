"""Triggers: what Prefect's own template engine makes of an event, compared with what the other doors take."""

import json
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.server.events.actions import RunDeployment
from prefect.server.utilities.user_templates import render_user_template_sync
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate
from prefect.utilities.schema_tools.validation import ValidationError, validate

from deployments.triggers import event_parameters, trigger_name, triggers_of
from flows.registry import FLOWS
from tasks.errors import BadUrl, InputError
from tasks.events import RECORDS, REQUESTS, read_request
from tasks.urls import parse

EVENT_ID = "01a209e0-9dc9-73f3-8603-416b83bcdf7c"
GOOD = {
    "page/scan.requested": {"page_id": "p1", "url": "https://tea.example/", "user_id": "ann"},
    "page/analyze.requested": {"page_id": "p1", "url": "https://tea.example/", "user_id": "ann"},
    "project/batch.scan": {"project_id": "7", "user_id": "ann", "urls": ["https://tea.example/", "{{ 7*7 }}"]},
    "notification/send": {"user_id": "ann", "title": "{{ 7*7 }}", "message": "a < b & 'c' \"d\"\n{% raw %}"},
    "run/cancel.requested": {"run_id": "20260301-120000-abcdef", "user_id": "ann"},
}
KIND = {"__prefect_kind": "jinja", "template": "{{ 7*7 }}"}
VARIABLE = {"__prefect_kind": "workspace_variable", "variable_name": "secret"}
BY_EVENT = {entry.event.name: entry for entry in FLOWS.values() if entry.event is not None}


def rendered(name, payload):
    """The parameters as the server makes them: the automation's templates, then the flow run's own hydration."""
    context = {"event": SimpleNamespace(id=EVENT_ID, payload=payload)}
    first = HydrationContext(render_jinja=True, jinja_context=context, raise_on_error=True)
    parameters = hydrate(event_parameters(REQUESTS[name]), first)
    variables = {"secret": "canary"}
    return hydrate(
        parameters,
        HydrationContext(
            render_jinja=True, render_workspace_variables=True, workspace_variables=variables, raise_on_error=True
        ),
    )


@cache
def schema_of(name):
    return parameter_schema(BY_EVENT[name].load()).model_dump(exclude_unset=True)


def refusal(name, payload):
    """Why the server starts no run; empty where it starts one."""
    try:
        validate(rendered(name, payload), schema_of(name), raise_on_error=True)
    except ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", REQUESTS)
def test_a_good_event_becomes_its_flows_parameters(name):
    parameters = {key: value for key, value in rendered(name, GOOD[name]).items() if value not in (None, [])}
    expected = {**GOOD[name], "request_id": EVENT_ID}
    assert {**parameters, **expected} == parameters
    assert parameters.keys() - expected.keys() <= {"type"}
    assert refusal(name, GOOD[name]) == ""


@pytest.mark.parametrize("name", REQUESTS)
def test_each_request_has_one_trigger_that_prefect_accepts(name):
    (trigger,) = triggers_of(BY_EVENT[name])
    assert trigger.expect == {name}
    assert trigger.match.root == {}
    RunDeployment(source="inferred", parameters=trigger.parameters)


def test_no_record_starts_anything():
    expected = set().union(*(trigger.expect for entry in FLOWS.values() for trigger in triggers_of(entry)))
    ends = {f"prefect.flow-run.{state}" for state in ("Failed", "TimedOut", "Crashed", "Cancelled")}
    assert expected == {*REQUESTS, *ends}
    assert not expected & set(RECORDS)


def test_names_of_triggers_are_unique():
    names = [trigger_name(entry) for entry in FLOWS.values() if triggers_of(entry)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("hostile", [KIND, VARIABLE, [KIND], 5, None, True, {"__prefect_kind": "json", "value": "1"}])
@pytest.mark.parametrize(("name", "field"), [(name, field) for name in GOOD for field in GOOD[name]])
def test_what_is_no_text_starts_no_run_and_is_never_replaced(name, field, hostile):
    payload = {**GOOD[name], field: [hostile] if field == "urls" else hostile}
    parameters = rendered(name, payload)
    assert "canary" not in json.dumps(parameters)
    told = f"{field} needs a {'list of texts' if field == 'urls' else 'text'}"
    assert told in parameters["request_id"]["malformed event"]
    assert {field, "request_id"} & set(refusal(name, payload).split("'"))
    with pytest.raises(InputError):
        read_request(name, payload)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("page/scan.requested", {"url": "ftp://a.example/"}, "url is no web address"),
        ("page/scan.requested", {"url": "https://ann:secret@a.example/"}, "url is no web address"),
        ("page/scan.requested", {"url": "https:///"}, "url is no web address"),
        ("page/scan.requested", {"url": ""}, "url is empty"),
        ("page/scan.requested", {"url": "https://a.example/" + "x" * 8200}, "url is longer than 8192"),
        ("page/scan.requested", {"page_id": "a/b"}, "page_id has characters that no id has"),
        ("page/scan.requested", {"page_id": "x" * 129}, "page_id is longer than 128"),
        ("run/cancel.requested", {"run_id": ".."}, "run_id begins with a character that no id begins with"),
        ("page/scan.requested", {"options": {}}, "fields other than page_id, url, user_id"),
        ("page/scan.requested", {"access": "staging"}, "fields other than page_id, url, user_id"),
        ("page/scan.requested", {"__prefect_kind": "jinja"}, "fields other than page_id, url, user_id"),
        ("project/batch.scan", {"batch_id": "b"}, "give either urls or batch_id"),
        ("project/batch.scan", {"urls": []}, "give either urls or batch_id"),
        ("project/batch.scan", {"urls": "https://a.example/"}, "urls needs a list of texts"),
        ("project/batch.scan", {"urls": {"a": "b"}}, "urls needs a list of texts"),
        ("project/batch.scan", {"urls": ["x"] * 501}, "urls has more than 500 entries"),
        ("project/batch.scan", {"urls": ["x" * 8193]}, "urls has one longer than 8192"),
        ("notification/send", {"type": "loud"}, "type is none of info, success, warning, error"),
        ("notification/send", {"title": "x" * 201}, "title is longer than 200"),
        ("notification/send", {"title": "tea\0"}, "title has a NUL character"),
    ],
)
def test_what_is_wrong_is_said(name, change, told):
    payload = {**GOOD[name], **change}
    assert rendered(name, payload)["request_id"] == {"malformed event": told}
    assert told.partition(" ")[0] in refusal(name, payload) or told in refusal(name, payload)
    with pytest.raises(InputError):
        read_request(name, payload)


WITH_PASSWORDS = {
    "http://ann:s3cret@tea.example/": "http://…@tea.example/",
    "ann:s3cret@tea.example/x": "…@tea.example/x",
    " https:\\\\ann:s3cret@tea.example/": "…@tea.example/",
    "https:///ann:s3cret@tea.example/": "https://…@tea.example/",
    "http:ann:s3cret@tea.example": "…@tea.example",
    "https://ann:s3cret@tea.example/?next=https://tea.example/": "https://…@tea.example/?next=https://tea.example/",
    "https://ann:s3/cret?@tea.example/": "https://…@tea.example/",
    "https://ann:s3#cret@tea.example/": "https://…@tea.example/",
    "ann:s3cret@[::1]:80/": "…@[::1]:80/",
}
WITHOUT = ["https://tea.example/@ann", "tea.example/@ann", "https://tea.example:80/@a?b=@c", "http://[::1]:80/@a"]


def test_a_lists_passwords_become_no_parameter():
    """As at the other doors, such a line stays one that fails, and loses no other."""
    payload = {**GOOD["project/batch.scan"], "urls": [*WITH_PASSWORDS, *WITHOUT, "<&'\"\n,]"]}
    assert rendered("project/batch.scan", payload)["urls"] == [*WITH_PASSWORDS.values(), *WITHOUT, "<&'\"\n,]"]
    assert refusal("project/batch.scan", payload) == ""
    for named in (*WITH_PASSWORDS.values(), *read_request("project/batch.scan", payload).urls[: len(WITH_PASSWORDS)]):
        assert "s3" not in named
        with pytest.raises(BadUrl):
            parse(named)


@pytest.mark.parametrize("url", WITH_PASSWORDS)
def test_a_password_starts_no_run(url):
    payload = {**GOOD["page/scan.requested"], "url": url}
    assert rendered("page/scan.requested", payload)["request_id"] == {"malformed event": "url is no web address"}


@pytest.mark.parametrize("url", WITHOUT)
def test_an_at_sign_is_no_password(url):
    assert rendered("page/scan.requested", {**GOOD["page/scan.requested"], "url": url})["request_id"] == EVENT_ID


def test_all_that_is_wrong_is_said_at_once():
    assert rendered("page/scan.requested", {"url": 1, "x": 2})["request_id"] == {
        "malformed event": "fields other than page_id, url, user_id; page_id needs a text; url needs a text; "
        "user_id needs a text"
    }


TEXTS = st.text(max_size=12) | st.sampled_from(["ann", "https://tea.example/", "{{ 7*7 }}", "info", "a;b"])
VALUES = TEXTS | st.none() | st.booleans() | st.integers() | st.lists(TEXTS, max_size=3) | st.just(KIND)


@given(st.data())
def test_the_trigger_takes_what_the_other_doors_take(data):
    name = data.draw(st.sampled_from(sorted(REQUESTS)))
    payload = dict(GOOD[name])
    for field in data.draw(st.lists(st.sampled_from([*payload, "urls", "batch_id", "type", "x"]), max_size=3)):
        if data.draw(st.booleans()):
            payload[field] = data.draw(VALUES)
        else:
            payload.pop(field, None)
    try:
        read_request(name, payload)
        taken = True
    except InputError as error:
        # of an address only the outside is judged
        taken = set(getattr(error, "fields", {"url"})) == {"url"} and isinstance(payload.get("url"), str)
        if taken:
            return
    assert (rendered(name, payload)["request_id"] == EVENT_ID) == taken, (name, payload)


def test_a_failed_runs_id_is_taken_from_the_events_resource():
    (trigger,) = triggers_of(FLOWS["settle-run"])
    event = SimpleNamespace(id=EVENT_ID, resource=SimpleNamespace(id=f"prefect.flow-run.{EVENT_ID}"))
    template = trigger.parameters["flow_run_id"]["template"]
    assert render_user_template_sync(template, {"event": event}) == EVENT_ID
