"""What a browser makes of the page, beside what its server sends."""

import re
from collections import Counter
from collections.abc import Iterator

from tasks.audit.indexability import NOINDEX, has_directive, in_force
from tasks.audit.length import folded
from tasks.audit.references import (
    GOOGLE_JAVASCRIPT,
    GOOGLE_MOBILE,
    GOOGLE_REDIRECTS,
    GOOGLE_STRUCTURED_DATA,
    GOOGLE_TITLE,
    HTML,
)
from tasks.audit.rule import Applies, Finding, InBrowser, NotApplicable, Percent, Word, Words, page_rule, shown
from tasks.model import SMALL_PIXELS, Behaviour, Page, Rendered, Severity
from tasks.urls import address

WENT_ON = NotApplicable("the page went on to another one")
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W{_SPACELESS}]+")
_TEXT = "Green tea is dried at once. " * 40


@page_rule(
    "js-redirect",
    Severity.NOTICE,
    references=(GOOGLE_REDIRECTS, GOOGLE_JAVASCRIPT),
    bad=InBrowser(
        '<script>location.replace("/teas")</script>',
        "<title>Teas</title>",
        Behaviour(led_to="https://example.com/teas"),
        "It goes on to /teas.",
    ),
    good=InBrowser("<title>Tea</title>", "<title>Tea</title>"),
)
def js_redirect(page: Page, rendered: Rendered) -> Iterator[Word]:
    """A script sends visitors on to another page.

    It is seen after rendering only, later than a redirect, and by crawlers without JavaScript never.
    A change of the address without another page being loaded is none; meta refreshes have their own rule.

    Answer with status 301 or 308 instead.
    """
    if page.meta_refresh is not None and page.meta_refresh.url:
        yield NotApplicable("redirected by a meta refresh")
    elif rendered.behaviour.led_to is not None:
        target = shown(rendered.behaviour.led_to)
        yield Finding(f"A script leads on to {target}.", {"observed": target, "limit": "an HTTP redirect"})


@page_rule(
    "robots-directive-raw-vs-rendered",
    Severity.ERROR,
    references=(GOOGLE_JAVASCRIPT,),
    bad=InBrowser(
        '<meta name="robots" content="noindex"><script>document.querySelector("meta").remove()</script>',
        "<title>Tea</title>",
    ),
    good=InBrowser('<meta name="robots" content="noindex">', '<meta name="robots" content="noindex">'),
)
def robots_directive_raw_vs_rendered(page: Page, rendered: Rendered) -> Iterator[Word]:
    """A script adds noindex, or takes it away.

    With noindex in the source Google may not render the page at all, so taking it away does nothing.
    Added by a script it is obeyed late, and by crawlers without JavaScript never.

    Let the server say whether the page may be indexed, once.
    """
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
        return
    before, after = has_directive(page, NOINDEX), has_directive(rendered.page, NOINDEX)
    if before != after:
        what = "noindex of the source is gone" if before else "noindex is there that the source does not have"
        yield Finding(f"After rendering {what}.", {"observed": after, "raw": before, "locator": 'meta[name="robots"]'})


@page_rule(
    "canonical-raw-vs-rendered",
    Severity.ERROR,
    references=(GOOGLE_JAVASCRIPT,),
    bad=InBrowser(
        '<link rel="canonical" href="https://example.com/a">'
        '<script>document.querySelector("link").href = "https://example.com/b"</script>',
        '<link rel="canonical" href="https://example.com/b">',
    ),
    good=InBrowser(
        '<link rel="canonical" href="https://example.com/a">', '<link rel="canonical" href="https://example.com/a">'
    ),
)
def canonical_raw_vs_rendered(page: Page, rendered: Rendered) -> Iterator[Word]:
    """The canonical is another one after rendering.

    Crawlers are told two different things, and which one counts depends on when they look.
    A canonical that only scripts add is read, but late: that is a notice.

    State it in the source, and let no script change it.
    """
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
        return
    before, after = _canonicals(page), _canonicals(rendered.page)
    if before == after:
        return
    yield Finding(
        f"The canonical is {_listed(after)} after rendering, {_listed(before)} in the source.",
        {"observed": _listed(after), "raw": _listed(before), "locator": 'link[rel="canonical"]'},
        severity=None if before else Severity.NOTICE,
    )


def _canonicals(page: Page) -> list[str]:
    return sorted({address(canonical.url or "") for canonical in in_force(page)})


def _listed(texts: list[str]) -> str:
    return shown(", ".join(texts)) or "none"


@page_rule(
    "title-raw-vs-rendered",
    Severity.NOTICE,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_JAVASCRIPT, GOOGLE_TITLE),
    bad=InBrowser('<title>Tea shop</title><script>document.title = "Green tea"</script>', "<title>Green tea</title>"),
    good=InBrowser("<title>Green tea</title>", "<title>Green tea</title>"),
)
def title_raw_vs_rendered(page: Page, rendered: Rendered) -> Iterator[Word]:
    """The title is another one after rendering.

    Results show the one or the other, by when the page was last rendered; previews of shared links show the first.

    Let the server send the final title.
    """
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
        return
    before, after = folded(page.title or ""), folded(rendered.page.title or "")
    if before != after:
        yield Finding(
            f'The title is "{shown(after)}" after rendering, "{shown(before)}" in the source.',
            {"observed": shown(after), "raw": shown(before), "locator": "head title"},
        )


@page_rule(
    "content-requires-js",
    Severity.WARNING,
    applies=Applies.INDEXABLE,
    references=(GOOGLE_JAVASCRIPT,),
    bad=InBrowser(
        f'<main></main><script>document.querySelector("main").textContent = {_TEXT[:28]!r}.repeat(40)</script>',
        f"<main>{_TEXT}</main>",
    ),
    good=InBrowser(f"<main>{_TEXT}</main>", f"<main>{_TEXT}</main>"),
)
def content_requires_js(page: Page, rendered: Rendered, *, words: Words = 200, percent: Percent = 60) -> Iterator[Word]:
    """Most of the main text is there after rendering only.

    Google renders later than it reads, and most other crawlers, those of language models among them, never do.
    Counted are the words of the rendered main text that the source has, too.

    Render the text on the server, or send it with the page.
    """
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
        return
    if rendered.page.word_count < words:
        yield NotApplicable("little main text after rendering")
        return
    after = Counter(_words(rendered.page.main_text))
    covered = 100 * (after & Counter(_words(page.text))).total() / max(after.total(), 1)
    if covered < percent:
        yield Finding(
            f"The source has {covered:.0f} % of the {rendered.page.word_count} words that are there after rendering.",
            {
                "observed": round(covered, 1),
                "limit": percent,
                "unit": "percent",
                "words_raw": page.word_count,
                "words_rendered": rendered.page.word_count,
            },
        )


def _words(text: str) -> Iterator[str]:
    return (found[0] for found in _WORD.finditer(text.casefold()))


@page_rule(
    "sd-raw-vs-rendered",
    Severity.NOTICE,
    references=(GOOGLE_JAVASCRIPT, GOOGLE_STRUCTURED_DATA),
    bad=InBrowser(
        "<script>const block = document.createElement('script'); block.type = 'application/ld+json';"
        """ block.text = '{"@type": "Product"}'; document.head.append(block)</script>""",
        '<script type="application/ld+json">{"@type": "Product"}</script>',
    ),
    good=InBrowser(
        '<script type="application/ld+json">{"@type": "Product"}</script>',
        '<script type="application/ld+json">{"@type": "Product"}</script>',
    ),
)
def sd_raw_vs_rendered(page: Page, rendered: Rendered) -> Iterator[Word]:
    """Structured data is there after rendering only.

    It is read late, and prices and stock in it may be old by then.

    Send it with the page.
    """
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
    elif added := _kinds(rendered.page) - _kinds(page):
        kinds = shown(", ".join(sorted(added)))
        yield Finding(f"Only after rendering there is structured data: {kinds}.", {"observed": kinds})


def _kinds(page: Page) -> Counter[str]:
    """Each block by its types, or by its format where it names none."""
    return Counter(" and ".join(block.types) or block.format for block in page.structured_data)


@page_rule(
    "console-errors",
    Severity.NOTICE,
    references=(GOOGLE_JAVASCRIPT, HTML),
    bad=InBrowser(
        "<script>undefined.brew()</script>",
        "<title>Tea</title>",
        Behaviour(errors=("Cannot read properties of undefined (reading 'brew')",)),
        "A script fails: Cannot read properties of undefined (reading 'brew').",
    ),
    good=InBrowser("<script>try { undefined.brew() } catch {}</script>", "<title>Tea</title>"),
)
def console_errors(_: Page, rendered: Rendered) -> Iterator[Word]:
    """A script of the page throws an exception that nothing catches.

    What comes after it in the script does not happen, whether anybody notices or not.
    Images and fonts are not loaded while pages are rendered; a script that needs them may fail for that.

    Find the place with the browser's developer tools, and correct it.
    """
    for error in rendered.behaviour.errors:
        yield Finding(f"A script fails: {shown(error)}.", {"observed": shown(error)}, key=error)


@page_rule(
    "font-size-small",
    Severity.NOTICE,
    references=(GOOGLE_MOBILE,),
    bad=InBrowser(
        '<p style="font-size: 10px">Green tea</p>',
        '<p style="font-size: 10px">Green tea</p>',
        Behaviour(small_text=1.0),
        "All of the text is smaller than 12 px.",
    ),
    good=InBrowser("<p>Green tea</p>", "<p>Green tea</p>", Behaviour(small_text=0.0)),
)
def font_size_small(_: Page, rendered: Rendered, *, percent: Percent = 40) -> Iterator[Word]:
    """Much of the text is smaller than 12 pixels.

    On a phone people have to zoom in to read it.
    Counted are the visible characters by the size that the styles give them, in a window 412 pixels wide.

    Let the main text be 16 px, and nothing that has to be read smaller than 12.
    """
    small = rendered.behaviour.small_text
    if rendered.behaviour.led_to is not None:
        yield WENT_ON
    elif small is None:
        yield NotApplicable("no visible text")
    elif small * 100 > percent:
        yield Finding(
            f"{small * 100:.0f} % of the text is smaller than {SMALL_PIXELS} px.",
            {"observed": round(small * 100, 1), "limit": percent, "unit": "percent"},
        )
