"""Every way in which a server may answer has one defined end."""

import json

import pytest

from tasks.analyze.failures import AnalysisFailed, Failure
from tests.analyze.server import advice, by_findings, completion, error, recommendation


async def reason(analyst, subject, **values):
    """Why there is no advice, and how many seconds were waited."""
    async with analyst(**values) as asking:
        with pytest.raises(AnalysisFailed) as failed:
            await asking.analyse(subject)
    return failed.value.reason


async def test_a_good_answer_is_kept_with_its_model_and_template(analyst, model, subject):
    model.script.append(completion(advice(recommendation(findings=["F3"])), model="openai/gpt-5-mini-2026"))
    async with analyst() as asking:
        found = await asking.analyse(subject)
    (item,) = found.items
    assert (item.findings, item.rules) == ((subject.findings[2].fingerprint,), ("title-too-short",))
    assert (found.source, found.model, found.template_version, found.cached) == (
        "llm",
        "openai/gpt-5-mini-2026",
        1,
        False,
    )
    (request,) = model.requests
    assert (request["path"], request["model"], request["max_tokens"]) == (
        "/api/v1/chat/completions",
        "openai/gpt-5-mini",
        4000,
    )
    assert request["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("status", "expected", "requests"),
    [
        (401, Failure.KEY_REFUSED, 1),
        (402, Failure.NO_CREDIT, 1),
        (403, Failure.FORBIDDEN, 1),
        (408, Failure.TIMED_OUT, 3),
        (429, Failure.RATE_LIMITED, 3),
        (502, Failure.UNAVAILABLE, 3),
        (503, Failure.UNAVAILABLE, 3),
        (307, Failure.BAD_REQUEST, 1),
        (418, Failure.BAD_REQUEST, 1),
    ],
)
@pytest.mark.parametrize("inside_200", [False, True])
async def test_statuses_and_errors_inside_a_success_end_alike(
    analyst, model, subject, status, expected, requests, inside_200
):
    reply = error(status, f"says {status}")
    model.script.extend([(200 if inside_200 else status, reply)] * requests)
    assert await reason(analyst, subject) == expected
    assert (len(model.requests), len(analyst.waits)) == (requests, requests - 1)


async def test_an_account_without_credit_at_openai_is_no_busy_server(analyst, model, subject):
    message = "You exceeded your current quota, please check your plan and billing details."
    quota = {"message": message, "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    model.script.append((429, {"error": quota}))
    assert await reason(analyst, subject, fallbacks=("other/model",)) == Failure.NO_CREDIT
    assert (len(model.requests), analyst.waits) == (1, [])


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Failure.BAD_REQUEST), (404, Failure.NO_SUCH_MODEL), (422, Failure.BAD_REQUEST), (501, Failure.UNAVAILABLE)],
)
async def test_what_may_be_about_the_form_is_final_on_the_lowest_rung(analyst, model, subject, status, expected):
    model.script.extend([(status, error(status))] * 5)
    assert await reason(analyst, subject) == expected
    forms = [request.get("response_format", {}).get("type") for request in model.requests]
    assert forms[:3] == ["json_schema", "json_object", None]


async def test_a_passing_error_is_survived(analyst, model, subject):
    model.script.extend([(503, error(503)), (429, error(429), {"Retry-After": "7"}), by_findings])
    async with analyst() as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert analyst.waits == [1, 7]


async def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(analyst, model, subject):
    model.script.append((429, error(429), {"Retry-After": "600"}))
    assert await reason(analyst, subject) == Failure.RATE_LIMITED
    assert (len(model.requests), analyst.waits) == (1, [])


async def test_openrouter_breaks_off_within_a_success(analyst, model, subject):
    broken = completion("half an ans", finish="error")
    broken["choices"][0]["error"] = {"code": 502, "message": "Provider disconnected"}
    model.script.extend([broken, by_findings])
    async with analyst() as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        completion("", refusal="I cannot help with that."),
        completion("I will not.", finish="content_filter"),
    ],
)
async def test_a_refusal_is_final(analyst, model, subject, reply):
    model.script.append(reply)
    assert await reason(analyst, subject, fallbacks=("other/model",)) == Failure.REFUSED
    assert len(model.requests) == 1


async def test_a_cut_answer_is_asked_for_again_with_twice_the_length(analyst, model, subject):
    model.script.extend([completion('{"recommendations": [{"ti', finish="length"), by_findings])
    async with analyst(max_tokens=500) as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert [request["max_tokens"] for request in model.requests] == [500, 1000]


async def test_an_answer_cut_twice_is_given_up(analyst, model, subject):
    model.script.extend([completion("{", finish="length")] * 2)
    assert await reason(analyst, subject) == Failure.TRUNCATED
    assert len(model.requests) == 2


async def test_nonsense_is_corrected_once(analyst, model, subject):
    model.script.extend([completion("Sure! Here are my thoughts on tea."), by_findings])
    async with analyst() as asking:
        assert (await asking.analyse(subject)).source == "llm"
    *_, said, asked = model.requests[1]["messages"]
    assert (said["role"], said["content"]) == ("assistant", "Sure! Here are my thoughts on tea.")
    assert "not one JSON object" in asked["content"]


@pytest.mark.parametrize(
    "content",
    [
        "no",
        "",
        "[]",
        '{"recommendations": 3}',
        '{"recommendations": [{"title": "x"}]}',
        advice(recommendation(priority="urgent")),
        advice(recommendation(severity="error")),
        advice(recommendation(title="t" * 151)),
        "[" * 50_000,
        '{"a":' * 50_000,
    ],
)
async def test_nonsense_twice_is_given_up(analyst, model, subject, content):
    model.script.extend([completion(content)] * 2)
    assert await reason(analyst, subject) == Failure.NONSENSE
    assert len(model.requests) == 2


@pytest.mark.parametrize("items", [[], [recommendation(findings=["F99"])], [recommendation(findings=[])]])
async def test_an_answer_about_no_finding_is_corrected_once(analyst, model, subject, items):
    model.script.extend([completion(advice(*items)), by_findings])
    async with analyst() as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert "names a finding of the page, such as F1" in model.requests[1]["messages"][-1]["content"]
    model.script.extend([completion(advice(*items))] * 2)
    assert await reason(analyst, subject, max_tokens=500) == Failure.NONSENSE
    assert len(model.requests) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad gateway</html>",
        b"",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": "none"}',
        b'{"choices": [{"message": 5}]}',
        b'{"choices": [{"message": {"content": {"a": 1}}, "finish_reason": 5}], "usage": {"prompt_tokens": "x"}}',
        b'{"error": "gone"}',
        b"[" * 100_000,
        b"x" * 5_000_000,
    ],
)
async def test_a_body_that_is_no_completion_ends_in_words(analyst, model, subject, body):
    model.script.extend([(200, body)] * 6)
    assert await reason(analyst, subject) in {Failure.UNAVAILABLE, Failure.NONSENSE}


@pytest.mark.parametrize(
    "reply",
    [
        completion(advice(recommendation()), finish="st\ud800op\0"),
        completion(advice(recommendation()), model="tea\ud800"),
    ],
)
async def test_what_no_database_takes_of_an_answer_is_no_hindrance(analyst, model, subject, reply):
    model.script.append(reply)
    async with analyst() as asking:
        assert len((await asking.analyse(subject)).items) == 1


async def test_nonsense_that_cannot_be_sent_back_is_corrected_too(analyst, model, subject):
    model.script.extend([completion("Tea \ud83c"), by_findings])
    async with analyst() as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert model.requests[1]["messages"][-2]["content"] == "Tea ?"


async def test_an_answer_with_our_secret_code_is_thrown_away(analyst, model, subject):
    def leaks(body):
        return completion(json.dumps({"recommendations": [], "orders": body["messages"][0]["content"]}))

    model.script.append(leaks)
    assert await reason(analyst, subject) == Failure.PROMPT_LEAKED
    assert len(model.requests) == 1


async def test_the_next_model_is_asked_where_one_is_not_to_be_had(analyst, model, subject):
    model.script.extend([(503, error(503))] * 3 + [by_findings])
    async with analyst(model="first/one", fallbacks=("second/one",)) as asking:
        assert (await asking.analyse(subject)).source == "llm"
    assert [request["model"] for request in model.requests] == ["first/one"] * 3 + ["second/one"]
    assert any("asking the next model" in note for note in analyst.notes)


async def test_the_rung_that_held_is_where_the_next_page_begins(analyst, model, subject, read):
    model.script.extend(
        [(500, error(500, "response_format.type json_schema is not supported")), by_findings, by_findings]
    )
    async with analyst() as asking:
        await asking.analyse(subject)
        await asking.analyse(read("<title>Another</title><h1>Page</h1>", "https://shop.example/other"))
    assert [request["response_format"]["type"] for request in model.requests] == [
        "json_schema",
        "json_object",
        "json_object",
    ]
    assert model.requests[1]["response_format"]["schema"]["required"] == ["recommendations"]


@pytest.mark.parametrize(
    "text",
    [
        "```json\n{}\n```",
        "Here you are:\n{}\nGood luck!",
        "<think>{{maybe}}</think>\n{}",
        "\ufeff\n  {}",
        "{}\nPut {brand} where yours stands. }",
        "<think>" + "{F1} " * 50 + '{"recommendations": []}?</think>{}',
        '```json\n{"@type": "Product"}\n```\ngoes with\n```json\n{}\n```',
    ],
)
async def test_an_answer_in_plain_text_is_found_in_it(analyst, model, subject, text):
    model.script.extend(
        [(400, error(400)), (400, error(400)), completion(text.replace("{}", advice(recommendation())))]
    )
    async with analyst() as asking:
        assert [item.title for item in (await asking.analyse(subject)).items] == ["Write a title that names the tea"]
    assert "response_format" not in model.requests[2]


async def test_a_line_break_within_a_text_is_taken_as_such(analyst, model, subject):
    model.script.append(completion(advice(recommendation(description="Name\tthe tea.")).replace("\\t", "\n")))
    async with analyst() as asking:
        assert (await asking.analyse(subject)).items[0].description == "Name the tea."
    assert len(model.requests) == 1


async def test_a_page_without_findings_costs_no_call(analyst, model, subject):
    from dataclasses import replace  # noqa: PLC0415

    async with analyst() as asking:
        found = await asking.analyse(replace(subject, findings=()))
    assert (found.items, model.requests) == ((), [])


async def test_a_server_that_answers_too_late(analyst, model, subject):
    def late(_):
        raise ConnectionResetError

    model.script.extend([late] * 3)
    assert await reason(analyst, subject) == Failure.UNAVAILABLE


async def test_a_server_that_is_not_there(analyst, subject, model):
    settings = model.settings(base_url="http://127.0.0.1:9/v1", allow=("127.0.0.1:9",))
    assert await reason(analyst, subject, settings=settings) == Failure.UNREACHABLE
