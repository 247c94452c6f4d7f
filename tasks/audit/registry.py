"""All rules there are: every module of the packages of rules is read, so a new file there is enough."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from tasks.audit import rules
from tasks.audit.rule import Rule, registered
from tasks.audit.site import rules as site_rules
from tasks.errors import InputError


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by category and id."""
    for package in (rules, site_rules):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return tuple(sorted(registered.values(), key=lambda rule: (rule.category, rule.id)))


def find_rule(rule_id: str) -> Rule:
    """The rule of that id.

    Raises:
        InputError: naming the nearest id there is.
    """
    found = {rule.id: rule for rule in all_rules()}
    if rule_id not in found:
        raise InputError(unknown("rule", rule_id, found))
    return found[rule_id]


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """The message about a name that is not among ``known``, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name)[:100], names, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there is {', '.join(names)}" if names else "there is none"
    return f"unknown {kind} {name!r:.120}: {remedy}"
