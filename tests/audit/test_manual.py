from pathlib import Path

from tasks.audit import all_rules
from tasks.audit.manual import manual

WRITTEN = Path(__file__).parents[2] / "docs" / "rules.md"


def test_manual_is_up_to_date():
    assert WRITTEN.read_text(encoding="utf-8") == manual(), "run: python -m tasks.audit.manual"


def test_manual_has_a_row_and_a_section_for_every_rule():
    text = manual()
    for rule in all_rules():
        applies = f"{rule.applies}, rendered" if rule.needs_browser else rule.applies
        assert f"| [{rule.id}](#{rule.id}) | {rule.severity} | {applies} |" in text
        assert f"\n### {rule.id}\n" in text


def test_every_rule_has_a_reference_and_every_option_a_unit():
    for rule in all_rules():
        assert rule.references, rule.id
        assert all(param.unit for param in rule.params), rule.id
