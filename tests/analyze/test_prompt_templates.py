import pytest

from tasks.analyze.templates import DEFAULT_TEXT, MAX_TEXT, NAMES, check, fill
from tasks.errors import InputError


def test_the_shipped_template_is_in_order_and_uses_all_there_is():
    assert check(DEFAULT_TEXT) == DEFAULT_TEXT
    assert all(f"{{{name}}}" in DEFAULT_TEXT for name in NAMES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" \n", "is empty"),
        ("{findings}" + "x" * MAX_TEXT, "at most"),
        ("{findings} {fact}", r"names \{fact\}: there are \{url\}"),
        ("{findings} {api_key}", r"names \{api_key\}"),
        ("{url}", r"does not name \{findings\}"),
    ],
)
def test_a_template_that_would_not_do_is_refused_with_the_remedy(text, problem):
    with pytest.raises(InputError, match=problem):
        check(text)


def test_names_are_replaced_once_and_nothing_else_is():
    values = {"findings": "{url} {findings}", "url": "{0.__class__}"}
    assert fill("{findings} {url} {0} {url!r} {{url}} {a.b}", values) == (
        "{url} {findings} {0.__class__} {0} {url!r} {{0.__class__}} {a.b}"
    )
