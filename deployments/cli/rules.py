"""``rules``: what is judged, and why."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deployments.cli import screen
from deployments.cli.options import SHOWN, Shown

if TYPE_CHECKING:
    from tasks.audit.rule import Rule

COLUMNS = ("rule", "severity", "category", "applies", "options", "summary")


def rules(
    rule: Annotated[str | None, Parameter(help="Show why this one matters and how to fix it.")] = None,
    /,
    *,
    shown: Shown = SHOWN,
) -> int:
    """List the rules, or explain one."""
    from tasks.audit.registry import all_rules, find_rule  # noqa: PLC0415 - imports every rule

    chosen = [find_rule(rule)] if rule else list(all_rules())
    if shown.format != "table":
        from tasks.report.formats import write  # noqa: PLC0415 - not for tables

        write((_record(found, full=rule is not None) for found in chosen), shown.format, sys.stdout, _columns(rule))
    elif rule:
        _explain(chosen[0])
    else:
        from tasks.report.terminal import rows_view  # noqa: PLC0415

        names = ("severity", "rule", "summary")
        rows = ([_record(found, full=False)[name] for name in names] for found in chosen)
        screen.out().print(rows_view(names, rows, len(chosen)))
    return 0


def fix_of(rule_id: str) -> str:
    """How to fix what the rule found; empty where there is no such rule any more."""
    from tasks.audit.registry import all_rules  # noqa: PLC0415 - imports every rule

    return next((" ".join(rule.fix.split()) for rule in all_rules() if rule.id == rule_id), "")


def _columns(rule: str | None) -> tuple[str, ...]:
    return (*COLUMNS, "why", "fix", "bad", "good", "references") if rule else COLUMNS


def _record(rule: "Rule", *, full: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "rule": rule.id,
        "severity": rule.severity.value,
        "category": rule.category,
        "applies": rule.applies.meaning,
        "options": {param.name: param.default for param in rule.params},
        "summary": rule.summary,
    }
    if full:
        record |= {
            "why": rule.why,
            "fix": rule.fix,
            "bad": _sample(rule.bad),
            "good": _sample(rule.good),
            "references": [reference.address for reference in rule.references],
        }
    return record


def _sample(sample: object) -> str:
    return sample.strip() if isinstance(sample, str) else str(sample)


def _explain(rule: "Rule") -> None:
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from tasks.report.terminal import STYLES  # noqa: PLC0415

    console = screen.out()
    console.print(Text.assemble((rule.id, "bold"), "  ", (rule.severity.value, STYLES[rule.severity])))
    console.print(Text(rule.summary))
    sections = [
        ("Applies to", rule.applies.meaning),
        ("Why", " ".join(rule.why.split())),
        ("Fix", " ".join(rule.fix.split())),
        ("Options", "\n".join(f"{param.name} = {param.default} {param.unit}".rstrip() for param in rule.params)),
        ("Fails", _sample(rule.bad)),
        ("Passes", _sample(rule.good)),
        ("References", "\n".join(reference.address for reference in rule.references)),
    ]
    for title, text in sections:
        if text:
            console.print()
            console.print(Text(title, style="bold"))
            console.print(Padding(Text(text), (0, 0, 0, 2), expand=False))
