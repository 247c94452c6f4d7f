"""The API keeps what its description promises, against whatever schemathesis makes of it."""

from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig

from deployments.api.app import create_app
from deployments.api.door import Door

EXAMPLES = 25

schemathesis.openapi.format(
    "uri",
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https"]),
        st.sampled_from(["tea.example", "www.tea.example:8443", "[2606:2800::1]", "127.0.0.1", "tee.example."]),
        st.from_regex(r"\A(/[a-z0-9%~.-]{0,9}){0,3}(\?[a-z=&+]{0,9})?\Z", fullmatch=True),
    ),
)


CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 4711,
        "checks": {  # a list can be as described and larger than the body may be
            "negative_data_rejection": {"expected-statuses": ["401", "403", "404", "405", "409", "413", "422"]},
            "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "413"]},
        },
    }
)
# The description needs no store; what is asked is asked of the application that has one.
NOWHERE = Door(store=SimpleNamespace(), start=None)
schema = schemathesis.openapi.from_dict(create_app(NOWHERE).openapi(), config=CONFIG)
schema.app = create_app(NOWHERE)


@pytest.mark.world
@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_api_is_as_described(case, lasting):
    app, token = lasting
    case.call_and_validate(app=app, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {token}"})
