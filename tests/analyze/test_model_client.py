"""Where requests to a model go, what they carry, and what never leaves."""

import asyncio
import logging
import socket
import threading

import pytest
from pydantic import SecretStr

from tasks.analyze.client import ModelClient, request_fields
from tasks.analyze.failures import AnalysisFailed, CallFailed, Failure
from tasks.analyze.ladder import Rung
from tasks.analyze.prompt import Message
from tasks.analyze.settings import ModelSettings
from tasks.errors import InputError
from tests.analyze.conftest import KEY
from tests.analyze.server import completion, error

MESSAGES = (Message(role="user", content="tea?"),)


async def ask(settings, key=KEY):
    async with ModelClient(settings, SecretStr(key)) as client:
        return await client.ask(settings.model, MESSAGES, Rung.TEXT, 100)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
async def test_a_private_address_is_refused_without_a_connection(model, host):
    with pytest.raises(CallFailed) as failed:
        await ask(model.settings(base_url=f"http://{host}:{model.port}/v1", allow=()))
    assert failed.value.reason == Failure.ADDRESS_REFUSED
    assert "SEO_MODEL_ALLOW" in str(failed.value)
    assert (model.connections, model.requests) == (0, [])


@pytest.mark.parametrize("spelling", ["0177.0.0.1", "127.0.0.01", "①②⑦.⓪.⓪.①"])
async def test_a_spelling_that_libraries_refuse_is_judged_as_what_it_means(model, spelling):
    with pytest.raises(CallFailed) as failed:
        await ask(model.settings(base_url=f"http://{spelling}:{model.port}/v1", allow=()))
    assert (failed.value.reason, model.connections) == (Failure.ADDRESS_REFUSED, 0)


@pytest.mark.parametrize("wrong", ["http://127.0.0.0.1/v1", "http://[::1/v1", "http://tea .example/v1"])
def test_an_address_that_is_none_is_named(wrong):
    with pytest.raises(InputError, match="write one such as https://openrouter"):
        ModelClient(ModelSettings(base_url=wrong), SecretStr(KEY))


async def test_a_private_address_on_a_web_port_is_refused_without_a_connection():
    with pytest.raises(CallFailed) as failed:
        await ask(ModelSettings(base_url="http://127.0.0.1/v1"))
    assert failed.value.reason == Failure.ADDRESS_REFUSED


async def test_an_allowed_server_gets_the_key_and_nothing_of_the_environment(model, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another-server")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-another-server")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    model.script.append(completion("Tea."))
    assert (await ask(model.settings())).text == "Tea."
    headers = {name.lower(): value for name, value in model.requests[0]["headers"].items()}
    assert headers["authorization"] == f"Bearer {KEY}"
    ours = {"host", "authorization", "accept", "accept-encoding", "content-type", "content-length", "user-agent"}
    assert headers.keys() - {"connection"} == ours


async def test_a_redirect_is_not_followed(model):
    model.script.append((307, b"", {"Location": f"http://localhost:{model.port}/elsewhere"}))
    with pytest.raises(CallFailed) as failed:
        await ask(model.settings())
    assert (failed.value.reason, len(model.requests)) == (Failure.BAD_REQUEST, 1)


async def test_an_answer_that_never_ends_is_left_in_time():
    def drip(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            gone.wait(10)

    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(CallFailed) as failed:
            await ask(ModelSettings(base_url=f"http://{place}/v1", allow=(place,), timeout=0.2))
        gone.set()
    assert (failed.value.reason, failed.value.may_have_cost) == (Failure.TIMED_OUT, True)


@pytest.mark.parametrize(
    ("base_url", "key"),
    [
        ("ftp://models.example/v1", KEY),
        ("models.example", KEY),
        ("https://user:sk-canary-3f9a71c2@models.example/v1", KEY),
        ("https://models.example/v1", f"{KEY}\nX-Other: 1"),
        ("https://models.example/v1", f"{KEY}é"),
    ],
)
def test_an_unusable_address_or_key_is_refused_without_telling_it(base_url, key):
    with pytest.raises(InputError) as refused:
        ModelClient(ModelSettings(base_url=base_url), SecretStr(key))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 200])
async def test_the_key_is_in_no_error_and_no_log(model, caplog, status):
    model.script.append(
        (status, error(status if status != 200 else 500, f"Incorrect API key provided: {KEY}", key=KEY))
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(AnalysisFailed) as failed:
        await ask(model.settings())
    raised, told = failed.value, []
    while raised is not None:
        told += [str(raised), repr(raised), repr(raised.__dict__)]
        raised = raised.__cause__
    assert KEY not in "".join(told) + caplog.text


def test_openrouter_is_told_to_honour_the_form_and_to_count():
    fields = request_fields("https://openrouter.ai/api/v1", Rung.JSON_SCHEMA, 500)
    assert fields["provider"] == {"require_parameters": True, "data_collection": "deny"}
    assert (fields["usage"], fields["max_tokens"]) == ({"include": True}, 500)
    assert request_fields("https://openrouter.ai/api/v1", Rung.TEXT, 500)["provider"]["require_parameters"] is False


async def test_a_model_that_takes_only_the_new_name_of_the_limit_gets_it(model):
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )

    def answer(body):
        takes = "max_completion_tokens" if body["model"] == "gpt-5-mini" else "max_tokens"
        return completion("Tea.") if takes in body else (400, error("unsupported_parameter", refusal))

    model.default = answer
    async with ModelClient(model.settings(), SecretStr(KEY)) as client:
        await asyncio.gather(*(client.ask("gpt-5-mini", MESSAGES, Rung.TEXT, 100) for _ in range(3)))
        asked = len(model.requests)
        for name in ("gpt-5-mini", "other"):
            assert (await client.ask(name, MESSAGES, Rung.TEXT, 100)).text == "Tea."
    limits = [[name for name in request if "tokens" in name] for request in model.requests[asked:]]
    assert limits == [["max_completion_tokens"], ["max_tokens"]]


async def test_a_limit_that_is_refused_by_both_names_is_refused(model):
    model.script.extend([(400, error(400, "max_completion_tokens is too large"))] * 2)
    with pytest.raises(CallFailed) as failed:
        await ask(model.settings())
    assert (failed.value.reason, len(model.requests)) == (Failure.BAD_REQUEST, 2)


def test_openai_itself_takes_neither_the_old_limit_nor_a_schema_beside_json_object():
    fields = request_fields("https://api.openai.com/v1", Rung.JSON_OBJECT, 500)
    assert fields == {"max_completion_tokens": 500, "response_format": {"type": "json_object"}}
