"""Links as crawlers see them."""

import re
from collections.abc import Iterator

from tasks.audit.indexability import same_address
from tasks.audit.references import GOOGLE_LINK_REL, GOOGLE_LINKS
from tasks.audit.rule import Finding, Word, page_rule, shown
from tasks.model import Link, Page, Severity

# The URL standard drops tabs and line breaks anywhere, and control characters and spaces in front.
SCRIPT = re.compile(r"[\x00-\x20]*" + r"[\t\n\r]*".join("javascript:"), re.IGNORECASE)
VOID = frozenset({"", "void(0)", "void0", "void()", "void", "false", "returnfalse", "undefined", "null"})
MAX_VOID = 100
WIDGETS = frozenset(
    {"button", "checkbox", "combobox", "menuitemcheckbox", "menuitemradio", "option", "radio", "switch", "tab"}
)
"""Roles of what acts where it stands; a menuitem or treeitem may lead to another page."""

_SCRIPT_STARTS = frozenset("jJ") | frozenset(map(chr, range(0x21)))


@page_rule(
    "link-uncrawlable",
    Severity.WARNING,
    references=(GOOGLE_LINKS,),
    bad="<a onclick=\"go('/teas')\">Teas</a>",
    good='<a href="/teas">Teas</a> <a href="javascript:void(0)" role="button">Menu</a>',
)
def link_uncrawlable(page: Page) -> Iterator[Word]:
    """A link leads on by script alone: it has no href but a click handler, or a javascript: address.

    Crawlers follow addresses in href and run no click handlers, so the page behind may never be found.
    Links made into a button, a tab or another control by their role that lead nowhere are left out.

    Put the address into href; a script may still take over the click. Use a button for what is no link.
    """
    for link in page.links:
        if link.href is None:
            if link.scripted and link.role not in WIDGETS:
                yield _uncrawlable(link, "has no href", "text:" + link.text)
        elif link.href[:1] in _SCRIPT_STARTS and _is_script(link.href, link.role):
            yield _uncrawlable(link, f'leads to "{shown(link.href)}"', link.href)


def _is_script(href: str, role: str) -> bool:
    """True for a javascript: address, unless it is the empty one of a control."""
    script = SCRIPT.match(href)
    if not script:
        return False
    code = "".join(href[script.end() :][:MAX_VOID].split()).rstrip(";").lower()
    return not (role in WIDGETS and code in VOID)


def _uncrawlable(link: Link, fault: str, key: str) -> Finding:
    return Finding(
        f'The link "{shown(link.text, 80)}" {fault}.',
        {
            "observed": None if link.href is None else shown(link.href),
            "text": shown(link.text),
            "position": link.position,
            "rel": shown(link.rel),
            "locator": "a",
        },
        key=key,
    )


@page_rule(
    "link-internal-nofollow",
    Severity.NOTICE,
    references=(GOOGLE_LINK_REL,),
    bad='<a href="/teas" rel="nofollow">Teas</a>',
    good='<a href="/teas">Teas</a> <a href="https://example.org/" rel="nofollow">Elsewhere</a>',
)
def link_internal_nofollow(page: Page) -> Iterator[Word]:
    """A link to a page of the same host carries rel="nofollow".

    It withholds from your own page what the link would pass on.

    Remove nofollow, except on links to log-in, basket and endless filters.
    """
    for link in page.links:
        if link.rel and link.internal and link.nofollow and not same_address(link.url or "", page.url):
            yield Finding(
                f'The internal link "{shown(link.text, 80)}" to {shown(link.url or "")} is nofollow.',
                {
                    "observed": shown(link.rel),
                    "target": shown(link.url or ""),
                    "text": shown(link.text),
                    "position": link.position,
                    "locator": "a[rel]",
                },
                key=link.url or "",
            )
