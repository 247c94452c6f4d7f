"""The HTML document: language, viewport, head and encoding."""

import re
from collections.abc import Iterator

import webencodings

from tasks.audit.indexability import REFRESHED, refresh_target
from tasks.audit.references import ENCODING, GOOGLE_MOBILE, GOOGLE_VALID_HEAD, GOOGLEBOT, HTML, WCAG
from tasks.audit.rule import Finding, NotApplicable, Unparsable, Word, page_rule, response_rule, shown
from tasks.audit.samples import html
from tasks.model import Page, Response, Severity

VIEWPORT_PROPERTY = re.compile(r"(?<![^\s,;=])([^\s,;=]++)\s*+=\s*+([^\s,;=]++)")
SCALE = re.compile(r"\d*\.?\d+")
# What a meta element means with these labels: https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding
META_MEANS = {"utf-16be": "utf-8", "utf-16le": "utf-8", "x-user-defined": "windows-1252"}
XHTML = "application/xhtml+xml"
SUCCESS = range(200, 300)


@response_rule(
    "page-unparsable",
    Severity.WARNING,
    references=(HTML, GOOGLEBOT),
    bad=Unparsable("<div>" * 100_000),
    good="<div>Tea</div>",
)
def page_unparsable(answer: Response, page: Page | None) -> Iterator[Word]:
    """The HTML cannot be parsed within the limits of the scan: 5 seconds, and a bounded memory.

    Nothing else is known of such a page, and no other rule could judge it. A warning, since the limits are the scan's
    own: browsers and crawlers have others, which markup that costs so much may well pass, too.

    Look for a template that never closes its elements, nests them thousands deep or gives one thousands of attributes.
    """
    if not answer.is_html or answer.status not in SUCCESS:
        yield NotApplicable("no successful HTML")
    elif page is None:
        yield Finding(
            f"The HTML, {len(answer.body):,} bytes, cannot be parsed within the limits of the scan.",
            {"observed": len(answer.body), "unit": "bytes", "locator": "body", "url": shown(answer.url)},
        )


@page_rule(
    "html-lang-missing",
    Severity.WARNING,
    references=(HTML, WCAG),
    bad="<html><title>Tea</title>",
    good='<html lang="en"><title>Tea</title>',
)
def html_lang_missing(page: Page) -> Iterator[Word]:
    """The html element states no language.

    Screen readers guess how to pronounce the text, and browsers whether to offer a translation.
    Pages that an instant meta refresh leaves are left out: nobody reads them.

    Set lang on the html element, for example lang="en".
    """
    if refresh_target(page):
        yield NotApplicable(REFRESHED)
    elif not (page.lang or "").strip():
        what = "has no lang attribute" if page.lang is None else "has an empty lang attribute"
        yield Finding(f"The html element {what}.", {"observed": page.lang, "locator": "html[lang]"})


@page_rule(
    "viewport-missing",
    Severity.WARNING,
    references=(GOOGLE_MOBILE,),
    bad='<meta name="viewport" content="width=1024">',
    good='<meta name="viewport" content="width=device-width, initial-scale=1">',
)
def viewport_missing(page: Page) -> Iterator[Word]:
    """No meta viewport adapts the page to the width of the device.

    Phones then lay it out as wide as a desktop and shrink it; search engines index the mobile view.
    An initial-scale of 1 or more without a width means the width of the device, too.
    Pages that an instant meta refresh leaves are left out: nobody sees them.

    Add <meta name="viewport" content="width=device-width, initial-scale=1"> to head.
    """
    viewport = page.viewport
    if refresh_target(page):
        yield NotApplicable(REFRESHED)
    elif viewport is None or not _adapts(viewport):
        what = "There is no meta viewport" if viewport is None else f'The meta viewport says "{shown(viewport)}"'
        yield Finding(
            f"{what}; width=device-width is missing.",
            {"observed": None if viewport is None else shown(viewport), "locator": 'meta[name="viewport"]'},
        )


def _adapts(viewport: str) -> bool:
    said: dict[str, str] = dict(VIEWPORT_PROPERTY.findall(viewport.lower()))
    scale = SCALE.match(said.get("initial-scale", ""))
    width = said.get("width", "device-width" if scale and float(scale[0]) >= 1 else "")
    return width == "device-width"


@page_rule(
    "head-broken-by-element",
    Severity.WARNING,
    references=(GOOGLE_VALID_HEAD, HTML),
    bad='<head><title>Tea</title><img src="pixel.gif" alt=""><meta name="description" content="Tea."></head>',
    good='<head><title>Tea</title><meta name="description" content="Tea."></head><body><img src="tea.png" alt="">',
)
def head_broken_by_element(page: Page) -> Iterator[Word]:
    """Something that may not stand in head comes before other metadata.

    Browsers and crawlers end the head there and read all that follows as body, where metadata may be ignored.

    Move images, iframes, divs and text out of head; only metadata, scripts, styles and templates belong there.
    Text is also what nobody sees: a byte order mark of an included file, a no-break or an ideographic space.
    """
    if page.head_broken_by:
        breaker = page.head_broken_by
        what = "Text" if breaker in {"text", "#text"} else f"<{shown(breaker)}>"
        yield Finding(
            f"{what} ends the head before other metadata.",
            {"observed": shown(breaker), "locator": "head"},
            key=breaker,
        )


@page_rule(
    "charset-missing",
    Severity.WARNING,
    references=(HTML, ENCODING),
    bad=html("<title>Tea</title>", content_type="text/html"),
    good=html('<meta charset="utf-8"><title>Tea</title>', content_type="text/html"),
)
def charset_missing(page: Page, answer: Response) -> Iterator[Word]:
    """The page does not say how its text is encoded.

    Browsers and crawlers guess, and may show wrong characters.
    A Content-Type header, a byte order mark, a meta element within the first 1,024 bytes or an XML declaration says it;
    a label that the encoding standard does not know says nothing. XHTML that does not say it is UTF-8.

    Serve UTF-8 and say so in the Content-Type header or with <meta charset="utf-8"> at the top of head.
    """
    declared = (page.charset_header, page.charset_bom, page.charset_meta, page.charset_xml)
    labels = [label for label in declared if label is not None]
    if any(map(_encoding, labels)):
        return
    if answer.mime == XHTML:
        yield NotApplicable("UTF-8, as XML that says nothing else")
    else:
        nowhere = "Neither the Content-Type header nor the first 1,024 bytes declare an encoding"
        what = f'Only an unknown encoding is declared ("{shown(labels[0])}")' if labels else nowhere
        yield Finding(
            f"{what}.",
            {
                "observed": shown(labels[0]) if labels else None,
                "locator": "Content-Type, byte order mark, meta[charset]",
            },
        )


@page_rule(
    "charset-mismatch",
    Severity.WARNING,
    references=(ENCODING, HTML),
    bad=html('<meta charset="iso-8859-1"><title>Tea</title>'),
    good=html('<meta charset="UTF8"><title>Tea</title>'),
)
def charset_mismatch(page: Page) -> Iterator[Word]:
    """The encodings declared differ, or the text is not in the declared one.

    The Content-Type header wins over the meta element; what is not in that encoding becomes garbled.
    Labels of one encoding, such as latin1 and windows-1252, are the same.

    Store and serve the page as UTF-8, and declare it alike everywhere.
    """
    header = _encoding(page.charset_header)
    meta = _encoding(page.charset_meta)
    meta = META_MEANS.get(meta, meta)
    if not (header or meta or _encoding(page.charset_bom) or _encoding(page.charset_xml)):
        yield NotApplicable("no encoding declared")
        return
    if header and meta and header != meta:
        yield Finding(
            f"The Content-Type header says {shown(page.charset_header or '')}, "
            f"the meta element {shown(page.charset_meta or '')}.",
            {
                "observed": shown(page.charset_meta or ""),
                "header": shown(page.charset_header or ""),
                "locator": "meta[charset]",
            },
            key="labels",
        )
    if page.charset_errors:
        yield Finding(
            f"The text has bytes that are not valid {shown(page.encoding or '')}.",
            {"observed": shown(page.encoding or ""), "locator": "body"},
            key="bytes",
        )


def _encoding(label: str | None) -> str:
    """The encoding that ``label`` names in the encoding standard; empty where it names none."""
    found = webencodings.lookup(label) if label else None
    return found.name if found else ""
