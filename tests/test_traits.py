"""What is true of a primitive is a field of its row: passes do not ask for it by name."""

from __future__ import annotations

import re

from graphc.ir.core.ops import PRIMITIVES
from tests.paths import ROOT

TABLES = ("ir/core/ops.py", "ir/core/predicates.py")
"""The rows, and the questions that are about one primitive."""

LISTS = {
    "ir/fusion/recompute.py": "movement through which lanes stay side by side",
    "ir/rewrite/algebra.py": "part of the table of rules",
    "ir/rewrite/repetition.py": "part of the table of rules",
    "graphc/ops/methods/operators.py": "operators of Python",
}
"""Files that list names, and why."""

MOST = 3

_NAMES = "|".join(sorted(PRIMITIVES))
ASKED = re.compile(
    rf'\bop\.name\s*(?:==|!=)|\bname\s*(?:==|!=)\s*"(?:{_NAMES})"|(?<!for )\bname\s+(?:not )?in\s*[(\[{{]"(?:{_NAMES})"'
)
LISTED = re.compile(rf'^\s*[A-Z_]+\s*(?::[^=]*)?=\s*(?:frozenset\()?[(\[{{]+\s*"(?:{_NAMES})"\s*,\s*"(?:{_NAMES})"', re.M)


def sources() -> dict[str, str]:
    """Return the text of each file but the tables."""
    paths = [p for folder in ("ir", "codegen", "graphc") for p in (ROOT / folder).rglob("*.py") if not p.parent.is_symlink()]
    names = {p.relative_to(ROOT).as_posix(): p for p in paths}
    return {name: p.read_text(encoding="utf-8") for name, p in names.items() if name not in TABLES}


def test_few_comparisons_of_names_are_left() -> None:
    files = sources()
    found = [f"{name}: {m[0]}" for name, text in files.items() for m in ASKED.finditer(text)]
    assert len(files) > 200 and len(found) < MOST, found


def test_no_lists_of_primitives_stand_beside_the_rows() -> None:
    found = {name for name, text in sources().items() if LISTED.search(text)}
    assert found == set(LISTS)


def test_the_checks_see_names() -> None:
    for text in ('n.op.name == "x"', 'if name != "pad":', 'op.name not in ("add", "sub")', 'name in {"add"}'):
        assert ASKED.search(text), text
    assert not ASKED.search('n.op.name in TABLE and name == "other"')
    assert LISTED.search('SHIFTS = ("slice", "pad")') and LISTED.search('  X: T = frozenset({"add", "sub"})')
