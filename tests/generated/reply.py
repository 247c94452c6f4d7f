"""What a server of these tests answers. ``{{origin}}`` and ``{{elsewhere}}`` stand for its two hosts."""

from collections.abc import Callable
from dataclasses import dataclass

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        headers: without Content-Type and Content-Length.
        gzip: the body is sent compressed as a file (no Content-Encoding).
        delay: seconds before it is sent.
        head_status: what HEAD gets where that differs from GET.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = HTML
    gzip: bool = False
    delay: float = 0
    head_status: int | None = None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


Answers = Callable[[str], Reply]
"""What a host answers for a path with its query."""


def redirect(location: str, status: int = 301) -> Reply:
    return Reply(status, (("Location", location),))


def plain(text: str, status: int = 200) -> Reply:
    return Reply(status, body=text.encode(), content_type="text/plain; charset=utf-8")


def error(status: int) -> Reply:
    return Reply(status, body=f"<!doctype html><title>Error {status}</title><h1>Error {status}</h1>".encode())


def not_found(_path: str) -> Reply:
    return error(404)
