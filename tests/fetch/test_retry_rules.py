from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.fetch.retry import delay, is_transient, retry_after
from tasks.model import FetchFailure, Reason, Response

NOW = 1_790_000_000.0
PASSING = {
    Reason.DNS, Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.RESET, Reason.READ_TIMEOUT, Reason.TRUNCATED,
    Reason.HOST_DOWN,
}  # fmt: skip


def failed(reason):
    return FetchFailure(url="http://a.test/", reason=reason)


def answered(status, value=None):
    headers = () if value is None else (("retry-after", value),)
    return Response(url="http://a.test/", status=status, headers=headers)


@pytest.mark.parametrize("reason", Reason)
def test_which_failures_pass_by_themselves(reason):
    assert is_transient(failed(reason), tries=1) is (reason in PASSING)


@pytest.mark.parametrize(
    "status", [200, 301, 400, 401, 403, 404, 408, 410, 425, 429, 451, 500, 501, 502, 503, 504, 505]
)
def test_which_statuses_pass_by_themselves(status):
    assert is_transient(answered(status), tries=1) is (status in {408, 425, 429, 500, 502, 503, 504})


def test_unknown_host_is_tried_twice():
    assert [is_transient(failed(Reason.DNS), tries=tries) for tries in (1, 2, 3)] == [True, False, False]


@given(tries=st.integers(1, 60), reason=st.sampled_from(sorted(PASSING)))
def test_delay_doubles_with_jitter(tries, reason):
    doublings = 2.0 ** (tries - 1)
    base = min(15 * doublings, 600.0) if reason is Reason.HOST_DOWN else min(doublings, 256.0)
    assert base * 0.5 <= delay(failed(reason), tries, NOW) <= base * 1.5


def test_second_look_up_comes_within_five_seconds():
    assert all(0 < delay(failed(Reason.DNS), 1, NOW) < 5 for _ in range(1000))


def test_delay_is_never_less_than_asked():
    assert delay(answered(503, "30"), 1, NOW) == 30
    assert 0.5 <= delay(answered(503, "0"), 1, NOW) <= 1.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("601", 600.0),
        ("9999999999", 600.0),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, None),
        ("", None),
        ("soon", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW + 9000, usegmt=True), 600.0),
        (formatdate(NOW - 90, usegmt=True), None),
        ("Wed, 99 Foo 9999 99:99:99 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 600.0),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(answered(429, value), NOW) == seconds


def test_retry_after_of_a_failure():
    assert retry_after(failed(Reason.RESET), NOW) is None


@given(value=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} -?\d{1,6} \d+:\d+:\d+ .{0,8}"))
def test_any_retry_after(value):
    seconds = retry_after(answered(503, value), NOW)
    assert seconds is None or 0 < seconds <= 600
