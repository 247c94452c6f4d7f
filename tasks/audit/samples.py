"""Answers for the samples of rules."""

from tasks.audit.rule import InBrowser, Sample, Unparsable
from tasks.model import Answer, Hop, Response

EXAMPLE = "https://example.com/"
UTF8 = "text/html; charset=utf-8"


def html(text: str, *, url: str = EXAMPLE, content_type: str | None = UTF8, **headers: str) -> Response:
    """An HTML answer; ``x_robots_tag="noindex"`` sets a header."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    typed = (("content-type", content_type),) if content_type else ()
    return Response(url=url, status=200, headers=(*typed, *named), body=text.encode(), text=text, encoding="utf-8")


def status(code: int, *, url: str = EXAMPLE) -> Response:
    return Response(url=url, status=code, headers=(("content-type", UTF8),), text="")


def redirected(*statuses: int, end: int = 200) -> Response:
    """An answer after one redirect for each of ``statuses``, from /0 to /1 and so on."""
    return Response(
        url=f"{EXAMPLE}{len(statuses)}",
        status=end,
        headers=(("content-type", UTF8),),
        text="",
        hops=tuple(Hop(f"{EXAMPLE}{n}", code, f"/{n + 1}") for n, code in enumerate(statuses)),
    )


def answer_of(sample: Sample) -> Answer:
    if isinstance(sample, Unparsable | InBrowser):
        return html(sample.html)
    return html(sample) if isinstance(sample, str) else sample
