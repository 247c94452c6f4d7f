"""What may be local: read as written in URLs, whoever names it."""

import pytest
from pydantic import ValidationError

from tasks.host_ports import parse_host_port
from tasks.model import FetchOptions


@pytest.mark.parametrize(
    ("text", "entry"),
    [("127.0.0.1:8000", "127.0.0.1:8000"), ("LocalHost:80", "localhost:80"), ("[::1]:8000", "[::1]:8000")],
)
def test_host_ports(text, entry):
    assert parse_host_port(text) == entry
    assert FetchOptions(allow=(text,)).allow == (entry,)


@pytest.mark.parametrize(
    "text", ["localhost", "http://localhost:80", "h:0", "h:70000", "h:80/x", "::1:80", "a b:80", "a:80 b:80"]
)
def test_no_host_ports(text):
    with pytest.raises(ValueError, match="is no host:port"):
        parse_host_port(text)
    with pytest.raises(ValidationError, match="is no host:port: write it as in the URL"):
        FetchOptions(allow=("a:80", text))
