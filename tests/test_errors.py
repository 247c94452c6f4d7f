"""The drawing of the error tree shows every error there is, in its place."""

import ast
import re
from pathlib import Path

from tasks import errors

ROOT = Path(__file__).parents[1]
BRANCH = re.compile(r"^((?:│   |    )*)(?:├── |└── )?(\w+)\b", re.MULTILINE)


def drawn():
    """(error, parent) as drawn."""
    tree = errors.__doc__.split("\n\n")[1]
    parents, found = [], set()
    for line in tree.splitlines():
        prefix, name = BRANCH.match(line).groups()
        depth = len(prefix) // 4 + ("─" in line)
        parents[depth:] = [name]
        found.add((name, parents[depth - 1] if depth else "Exception"))
    return found


def defined():
    """(class, parent) of all errors in the sources whose parent is drawn."""
    classes = {}
    for folder in ("blocks", "tasks", "flows", "deployments"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and len(node.bases) == 1 and isinstance(node.bases[0], ast.Name):
                    classes[node.name] = node.bases[0].id
    ours = {"SeoScanError"}
    while more := {name for name, parent in classes.items() if parent in ours} - ours:
        ours |= more
    return {(name, classes[name]) for name in ours}


def test_every_error_is_drawn_where_it_belongs():
    assert drawn() == defined()
