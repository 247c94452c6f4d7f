"""What a project wants judged, and how: which rules, their severities and options."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from tasks.audit.registry import all_rules, find_rule, unknown
from tasks.audit.rule import Check, Rule, second_looks
from tasks.errors import InputError
from tasks.model import Outcome, RuleResult, Severity


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule made ready for one profile.

    Attributes:
        check: the rule's function with the profile's options; None where the profile switches it off.
        severity: the profile's; None where the rule decides.
        passed, failed: the results that need no words, made once.
    """

    rule: Rule
    check: Check | None
    severity: Severity | None
    passed: RuleResult
    failed: RuleResult


class Profile(BaseModel):
    """Rules are named by id or by category; ``ignore`` wins over ``select``.

    Raises:
        InputError: for an unknown rule, category, option or field, or a value of the wrong type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = Field(default=(), description="Rules or categories to judge by; empty for all.")
    ignore: tuple[str, ...] = Field(default=(), description="Rules or categories to leave out.")
    severity: dict[str, Severity] = Field(default_factory=dict, description="Severity by rule.")
    options: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Values of options by rule.")

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            profile = handler(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                raise InputError(unknown("field of a profile", where, cls.model_fields)) from None
            raise InputError(f"profile: {where or 'value'}: {first['msg']}, not {first['input']!r:.80}") from None
        _check_names(profile)
        return profile

    @cached_property
    def judges(self) -> tuple[Judge, ...]:
        """One for every rule of single pages."""
        return tuple(self._judge(rule) for rule in all_rules() if rule.level == "page")

    @cached_property
    def site_judges(self) -> tuple[Judge, ...]:
        """One for every rule of whole sites."""
        return tuple(self._judge(rule) for rule in all_rules() if rule.level == "site")

    @cached_property
    def second_judges(self) -> tuple[Judge, ...]:
        """One for every rule of single pages that looks at them again once the site is known."""
        return tuple(
            replace(judge, check=judge.check and second_looks[judge.rule.id])
            for judge in self.judges
            if judge.rule.id in second_looks
        )

    def _judge(self, rule: Rule) -> Judge:
        names = {rule.id, rule.category}
        on = (not self.select or not names.isdisjoint(self.select)) and names.isdisjoint(self.ignore)
        options = self.options.get(rule.id)
        check = partial(rule.check, **options) if options else rule.check
        return Judge(
            rule,
            check if on else None,
            self.severity.get(rule.id),
            RuleResult(rule.id, Outcome.PASS),
            RuleResult(rule.id, Outcome.FAIL),
        )


def _check_names(profile: Profile) -> None:
    names = {rule.id for rule in all_rules()} | {rule.category for rule in all_rules()}
    for name in (*profile.select, *profile.ignore):
        if name not in names:
            raise InputError(unknown("rule or category", name, names))
    for rule_id in profile.severity:
        find_rule(rule_id)
    for rule_id, values in profile.options.items():
        _check_options(find_rule(rule_id), values)


def _check_options(rule: Rule, values: dict[str, Any]) -> None:
    params = {param.name: param for param in rule.params}
    for name, value in values.items():
        if name not in params:
            raise InputError(unknown(f"option of {rule.id}", name, params))
        fault = params[name].fault(value)
        if fault:
            raise InputError(f"option {name} of {rule.id}: {fault}, not {value!r:.80}")


DEFAULT = Profile()
