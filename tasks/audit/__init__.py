"""Judging pages: an answer and its facts in, a verdict out."""

from tasks.audit.engine import audit
from tasks.audit.profile import DEFAULT, Profile
from tasks.audit.registry import all_rules, find_rule
from tasks.audit.rule import Rule

__all__ = ["DEFAULT", "Profile", "Rule", "all_rules", "audit", "find_rule"]
