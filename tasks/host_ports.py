"""``host:port`` as people write it for what may be local or on any port."""

import re

_HOST_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]?#]+):(\d{1,5})", re.IGNORECASE | re.ASCII)
MAX_PORT = 65535
WRITTEN = r"^\s*(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]?#]+):[0-9]{1,5}\s*$"
"""What of it a JSON schema can say."""


def parse_host_port(text: str) -> str:
    """``host:port`` in lower case.

    Raises:
        ValueError: naming what can be written.
    """
    found = _HOST_PORT.fullmatch(text.strip())
    if not found or not 0 < int(found[2]) <= MAX_PORT:
        raise ValueError(f"{text!r} is no host:port: write it as in the URL, such as 127.0.0.1:8000 or [::1]:8000")
    return f"{found[1].lower()}:{int(found[2])}"
