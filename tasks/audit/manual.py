"""The manual of the rules, made from the rules: ``python -m tasks.audit.manual`` writes docs/rules.md."""

import inspect
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tasks.audit.registry import all_rules
from tasks.audit.rule import Applies, InBrowser, Param, Rule, Sample, Unparsable
from tasks.model import FetchFailure, Response

PATH = Path("docs/rules.md")
MAX_SAMPLE = 300

INTRODUCTION = """\
# Rules

What seo-scan judges pages and sites by. This page is generated from the rules themselves:
`python -m tasks.audit.manual`.

Each rule says one of four things of a page, or of a site: `fail`, with one issue or more; `pass`; `not_applicable`,
with what excluded it; `unknown`, with what was missing. Each issue carries a message, evidence (the value observed, the
limit, where it is) and a fingerprint, which stays the same from run to run as long as the fault does.

A profile changes what is judged: `select` and `ignore` name rules or categories, `severity` and `options` set values
by rule. A finding may be graver or milder than its rule, as described there; the severity of a profile overrides both.

Lengths of texts are in characters as people count them (grapheme clusters), those of Chinese, Japanese and Korean
counted twice. At most 100 issues of one rule are kept for a page; the last one's evidence counts the rest as `more`.
Should a rule itself crash, the page gets an issue `rule-crashed` that names it, and all other rules still run.
"""

INDEXABILITY = """\
A page is kept out of the index by robots.txt that disallows Googlebot the page or the address it redirects to; by an
instant meta refresh to another address; by `noindex`, `none` or an `unavailable_after` that has passed, in a meta tag
or X-Robots-Tag for all crawlers or Googlebot; and by a canonical to another address. A canonical that is no http(s)
address, is in body, or has an attribute hreflang, lang, media or type, counts as none, and so do several different
ones, since Google then ignores them all. What may be fetched is another matter: there robots.txt is asked about the
scanner's own name, and what is not fetched for that is unknown.
Where robots.txt was not read, not blocked counts as true.
After a redirect the page judged is the one it led to.
"""

SITES = """\
Rules of a crawl are judged once, at its end, over all of its pages. An address that redirects is judged as a redirect
alone; the page it leads to is judged for itself. Their samples tell a site one address a line: its path, its status
where that is not 200 (or why there was no answer, or `blocked` by robots.txt), and what it answers: HTML, the target of
a redirect, or the addresses in a sitemap. `image` and `probe` mark what is only checked, a probe being an address that
cannot exist. ` | ` stands for a new line. Those about robots.txt also judge pages that were scanned without a crawl.
"""


def manual() -> str:
    """The whole of docs/rules.md."""
    rules = all_rules()
    parts = [INTRODUCTION, *_applicability()]
    for category, members in groupby(rules, lambda rule: rule.category):
        parts += _table(category, list(members))
    for rule in rules:
        parts += _section(rule)
    return "\n".join(parts)


def _applicability() -> Iterator[str]:
    yield "## Where rules apply\n\n| applies | to |\n|---|---|"
    for applies in Applies:
        yield f"| {applies} | {applies.meaning} |"
    yield "| …, rendered | the same, where a browser showed the page (`--render`); unknown where none did |"
    yield f"\n{INDEXABILITY}\n{SITES}"


def _table(category: str, rules: list[Rule]) -> Iterator[str]:
    yield f"## {category}\n\n| rule | severity | applies | options | |\n|---|---|---|---|---|"
    for rule in rules:
        options = "<br>".join(map(_option, rule.params))
        applies = f"{rule.applies}, rendered" if rule.needs_browser else rule.applies
        yield f"| [{rule.id}](#{rule.id}) | {rule.severity} | {applies} | {options} | {_cell(rule.summary)} |"
    yield ""


def _option(param: Param) -> str:
    unit = "" if param.name.endswith(param.unit) else f" {param.unit}"
    return f"`{param.name}` = {param.default:,}{unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _section(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}\n\n{_text(rule.summary)}\n\n{_text(rule.why)}\n\n**Fix.** {_text(rule.fix)}\n"
    show = _site if rule.level == "site" else _sample
    yield f"Fails:\n\n{show(rule.bad)}\n\nPasses:\n\n{show(rule.good)}\n"
    sources = " · ".join(f"[{source.title}]({source.address})" for source in rule.references)
    yield f"Since {rule.since}, version {rule.version}. {sources}\n"


def _text(text: str) -> str:
    return text.replace("<", "\\<")


def _sample(sample: Sample) -> str:
    if isinstance(sample, InBrowser):
        told = f"\n\n{sample.told}" if sample.told else ""
        return f"```html\n{_cut(sample.html)}\n```\n\nIn the browser:\n\n```html\n{_cut(sample.becomes)}\n```{told}"
    if isinstance(sample, str | Unparsable):
        source = sample if isinstance(sample, str) else sample.html
        return f"```html\n{_cut(source)}\n```"
    return f"```http\n{_cut(chr(10).join(_exchange(sample)))}\n```"


def _site(sample: Sample) -> str:
    lines = inspect.cleandoc(str(sample)).strip().splitlines()
    return f"```text\n{chr(10).join(map(_cut, lines))}\n```"


def _exchange(answer: Response | FetchFailure) -> Iterator[str]:
    for hop in answer.hops:
        yield f"GET {hop.url} → {hop.status}"
        if hop.location is not None:
            yield f"location: {hop.location}"
        yield ""
    if isinstance(answer, FetchFailure):
        yield f"GET {answer.url} → {answer.reason}" + (f" ({answer.detail})" if answer.detail else "")
        return
    yield f"GET {answer.url} → {answer.status}"
    yield from (f"{name}: {value}" for name, value in answer.headers)
    if answer.text:
        yield f"\n{answer.text}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SAMPLE else f"{text[:MAX_SAMPLE]}…"


if __name__ == "__main__":
    PATH.write_text(manual(), encoding="utf-8")
