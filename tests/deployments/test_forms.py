"""What Prefect refuses before there is a run: the schemas of the flows' parameters, as its server sees them."""

from functools import cache

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate

from flows.registry import FLOWS

NEEDED = {
    "scan-page": {"url": "https://tea.example/"},
    "crawl-site": {"start_url": "https://tea.example/"},
    "send-notification": {"user_id": "ann", "title": "Tea", "message": "is ready"},
}


@cache
def schema_of(name):
    return parameter_schema(FLOWS[name].load()).model_dump(exclude_unset=True)


def refusal(name, **given):
    """The field that is refused; empty where the parameters are taken."""
    try:
        validate({**NEEDED.get(name, {}), **given}, schema_of(name), raise_on_error=True)
    except ValidationError as error:
        return str(error).split("'")[1]
    return ""


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("scan-page", {"url": "ftp://x/y"}),
        ("scan-page", {"url": ""}),
        ("scan-page", {"options": {"allow": ["x"]}}),
        ("scan-page", {"options": {"allow": ["127.0.0.1:http"]}}),
        ("crawl-site", {"start_url": " file:///etc/passwd"}),
        ("crawl-site", {"start_url": ""}),
        ("crawl-site", {"time_budget": "soon"}),
        ("crawl-site", {"time_budget": 0}),
        ("maintain-store", {"keep": "forever"}),
        ("maintain-store", {"grace": ""}),
        ("maintain-store", {"user_id": "../ann"}),
        ("send-notification", {"title": ""}),
        ("send-notification", {"title": "x" * 201}),
        ("send-notification", {"message": ""}),
    ],
)
def test_what_no_flow_takes_starts_no_run(name, given):
    assert refusal(name, **given).startswith(next(iter(given)))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *(
            (name, {field: url})
            for name, field in (("scan-page", "url"), ("crawl-site", "start_url"))
            for url in (
                "tea.example",
                "localhost:8000/x",
                " HTTPS://tea.example",
                "http:tea.example",
                "[::1]:80/",
                "tea",
            )
        ),
        ("scan-page", {"options": {"allow": ["127.0.0.1:8000", " [::1]:80"]}}),
        ("crawl-site", {"time_budget": 1800.5}),
        ("crawl-site", {"time_budget": "1.5H "}),
        ("crawl-site", {"time_budget": None}),
        ("maintain-store", {"keep": "90d"}),
        ("maintain-store", {"keep": ""}),
        ("maintain-store", {"keep": None, "grace": "30"}),
        ("send-notification", {}),
    ],
)
def test_what_flows_take_is_taken(name, given):
    assert refusal(name, **given) == ""
