"""What run logs say of steps, and what never stands in them."""

import logging

import pytest
from prefect.exceptions import ParameterTypeError

from flows import manual
from flows.scan_page import scan_page
from tasks.logs import Cleaning, clean, step


def record_of(message, *args, error=None):
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("prefect.flow_runs", logging.INFO, "x.py", 1, message, args, info)
    assert Cleaning().filter(record)
    return record


def test_docs_events_is_up_to_date():
    assert manual.PAGE.read_text(encoding="utf-8") == manual.render(), "run `python -m flows.manual`"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("at http://ann:canary@tea.example/x?y", "at http://…@tea.example/x?y"),
        ("at HTTPS://canary@tea.example", "at HTTPS://…@tea.example"),
        ("two http://a:canary@b/ postgresql+psycopg://u:canary@h/db", "two http://…@b/ postgresql+psycopg://…@h/db"),
        ("canary@everywhere: http://u:p@canary@h/", "canary@everywhere: http://…@h/"),
        ("mail ann@tea.example of http://tea.example/@ann", "mail ann@tea.example of http://tea.example/@ann"),
    ],
)
def test_addresses_are_logged_without_passwords(written, shown):
    assert clean(written) == shown


def test_control_characters_are_escaped_and_a_message_is_one_line():
    record = record_of("title %s", "a\x1b[31m\r\nlevel=ERROR all is lost\x85\u202e")
    assert record.getMessage() == "title a\\x1b[31m\\r\\nlevel=ERROR all is lost\\x85\\u202e"


def test_exceptions_are_cleaned_and_keep_their_name():
    record = record_of("it broke", error=ValueError("http://u:canary@h/ \x1b"))
    shown = logging.Formatter("%(message)s").format(record)
    assert "canary" not in shown
    assert "ValueError: http://…@h/ \\x1b" in shown
    assert (record.exc_info[0], str(record.exc_info[1])) == (ValueError, "http://…@h/ \\x1b")


def test_what_prefect_says_of_parameters_that_it_refuses_is_cleaned(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    with pytest.raises(ParameterTypeError):
        scan_page.validate_parameters({"url": "https://ann:canary@tea.example/"})
    assert "Parameter validation failed for flow 'scan-page'" in caplog.text
    assert "canary" not in caplog.text


def test_a_message_of_any_length_is_cleaned_at_once():
    assert len(clean("://" * 100_000 + "a@" * 100_000)) == 20_000


def test_a_step_tells_its_start_and_its_result_with_its_ids(caplog):
    caplog.set_level(logging.INFO, logger="here")
    with step(logging.getLogger("here"), "save", run="r1", page="", user="ann") as saving:
        saving.result = "3 rows"
    assert caplog.messages == ["begins: save run=r1 user=ann", "ended: save run=r1 user=ann: 3 rows"]


def test_a_step_that_fails_says_so_and_raises(caplog):
    with pytest.raises(OSError, match="full"), step(logging.getLogger("here"), "save", run="r1"):
        raise OSError("disk full")
    assert caplog.messages[-1] == "failed: save run=r1: OSError: disk full"
