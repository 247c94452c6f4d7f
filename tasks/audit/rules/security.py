"""Encryption of the page and of what it loads."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_PAGE_EXPERIENCE, MIXED_CONTENT
from tasks.audit.rule import Finding, NotApplicable, Unknown, Word, page_rule, shown
from tasks.audit.samples import html
from tasks.model import Page, Resource, Response, Severity
from tasks.urls import host

ACTIVE = frozenset({"script", "style", "iframe", "object", "form"})
PASSIVE = frozenset({"image", "audio", "video"})
UPGRADE = "upgrade-insecure-requests"


@page_rule(
    "https-missing",
    Severity.ERROR,
    references=(GOOGLE_PAGE_EXPERIENCE,),
    bad=html("<title>Tea</title>", url="http://example.com/"),
    good="<title>Tea</title>",
)
def https_missing(page: Page) -> Iterator[Word]:
    """The page is served over http.

    Anyone on the way can read and change it, browsers mark it as not secure, and https is a light ranking signal.

    Serve the site over https, and redirect every http address to it.
    """
    if page.url.startswith("http:"):
        yield Finding(f"{shown(page.url)} is served without encryption.", {"observed": "http", "locator": "URL scheme"})


@page_rule(
    "mixed-content-active",
    Severity.ERROR,
    references=(MIXED_CONTENT,),
    bad='<script src="http://example.com/tea.js"></script>',
    good='<script src="https://example.com/tea.js"></script>',
)
def mixed_content_active(page: Page, answer: Response) -> Iterator[Word]:
    """A page on https loads a script, style sheet, frame or object over http, or sends a form there.

    Browsers block what is loaded so, since whoever can change it controls the page. They warn before a form is sent:
    anyone on the way can read and change it.

    Load it over https, or host it yourself; send forms to an https address.
    """
    return _mixed(page, answer, ACTIVE)


@page_rule(
    "mixed-content-passive",
    Severity.WARNING,
    references=(MIXED_CONTENT,),
    bad='<img src="http://example.com/pot.jpg" alt="A pot">',
    good='<img src="https://example.com/pot.jpg" alt="A pot">',
)
def mixed_content_passive(page: Page, answer: Response) -> Iterator[Word]:
    """A page on https loads an image, audio or video over http.

    Browsers try https instead, and show nothing where that fails. They do not even try for an img that has a srcset or
    stands in a picture, nor where the host is an IP address: that is blocked.

    Load it over https, or host it yourself.
    """
    return _mixed(page, answer, PASSIVE)


def _mixed(page: Page, answer: Response, kinds: frozenset[str]) -> Iterator[Word]:
    if not page.url.startswith("https:"):
        yield NotApplicable("page not on https")
        return
    insecure = [item for item in page.resources if item.kind in kinds and _is_insecure(item)]
    if not insecure:
        return
    if any(UPGRADE in value.lower() for value in answer.header_values("content-security-policy")):
        yield NotApplicable("Content-Security-Policy upgrades insecure requests")
    elif UPGRADE in (answer.text or ""):
        yield Unknown("a meta policy may upgrade insecure requests")
    else:
        for item in insecure:
            yield Finding(
                f"The {item.kind} {shown(item.url)} is not on https.",
                {"observed": shown(item.url), "kind": item.kind, "locator": item.kind},
                key=f"{item.kind}:{item.url}",
            )


def _is_insecure(item: Resource) -> bool:
    """Over http, but not from the visitor's own machine, which counts as trustworthy.

    https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy
    """
    if not item.url.startswith("http:"):
        return False
    name = host(item.url)
    return not (name in {"localhost", "::1"} or name.endswith(".localhost") or name.startswith("127."))
