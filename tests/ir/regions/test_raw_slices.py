"""Only records know in which order a node with regions has its parts: nothing else slices operands or picks a region."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.paths import ROOT

PARTS = {"operands", "params", "results", "types"}

SLICES = {
    "ir/core/type_rules.py": "the rule of custom, which checks that there are so many operands as its record reads",
    "ir/regions/custom.py": "the record",
    "ir/rewrite/movement.py": "the pieces of a concatenation that a slice reads",
    "ir/sparse/rules.py": "operands between those that choose",
    "ir/transforms/vmap_run.py": "the indices of a gather or scatter, which its row tells",
}
"""The files that slice such a sequence at a computed place, and what they look for."""

REGIONS = {
    "ir/regions/loop.py": "the record",
    "ir/analysis/lane_layout.py": "the body of a loop as a key, before its record is made",
    "ir/rewrite/engine.py": "the new regions by the old ones",
}
"""The files that pick one of several regions, and why."""

ATTRIBUTES = {
    "ir/core/ops.py": "declares them",
    "ir/core/signatures.py": "Layout reads them",
    "ir/regions/loop.py": "writes records",
}
"""The files that name the counts of a loop's operands, and why."""


def sources() -> dict[str, ast.Module]:
    paths = [p for folder in ("ir", "codegen") for p in (ROOT / folder).rglob("*.py")]
    return {p.relative_to(ROOT).as_posix(): ast.parse(p.read_text(encoding="utf-8")) for p in paths}


def raw_slices(tree: ast.AST) -> Iterator[str]:
    """Yield slices of operands, parameters, results or types at a place that is no literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            value = node.value
            name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
            bounds = [b for b in (node.slice.lower, node.slice.upper) if b is not None]
            if name in PARTS and not all(isinstance(b, ast.Constant) for b in bounds):
                yield ast.unparse(node)


def picked_regions(tree: ast.AST) -> Iterator[str]:
    """Yield where regions are indexed, or those of a node unpacked."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, (ast.Subscript, ast.Assign)) else None
        if not isinstance(value, ast.Attribute) or value.attr != "regions":
            continue
        of_record = isinstance(value.value, ast.Name) and value.value.id in ("loop", "record")
        if isinstance(node, ast.Subscript) or (isinstance(node.targets[0], ast.Tuple) and not of_record):
            yield ast.unparse(node)


def counts(tree: ast.AST) -> list[str]:
    """Return the names of a loop's counts that stand in code as strings."""
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in ("carries", "xs")]


def test_parts_are_read_through_records():
    trees = sources()
    assert len(trees) > 100
    assert {name: list(found) for name, tree in trees.items() if name not in SLICES and (found := list(raw_slices(tree)))} == {}
    assert {name: found for name, tree in trees.items() if name not in REGIONS and (found := list(picked_regions(tree)))} == {}
    assert {name: found for name, tree in trees.items() if name not in ATTRIBUTES and (found := counts(tree))} == {}


def test_the_lists_are_no_longer_than_they_need_be():
    trees = sources()
    assert [name for name in SLICES if not list(raw_slices(trees[name]))] == []
    assert [name for name in REGIONS if not list(picked_regions(trees[name]))] == []
    assert [name for name in ATTRIBUTES if not counts(trees[name])] == []


def test_the_checks_can_fail():
    tree = ast.parse("n = node.params['carries']\nxs = node.operands[n : n + m]\nrest = body.params[n:]\nx = operands[1:]")
    assert list(raw_slices(tree)) == ["node.operands[n:n + m]", "body.params[n:]"] and counts(tree) == ["carries"]
    tree = ast.parse("(body,) = node.regions\nx = node.regions[0]\ntest, body = loop.regions\nfor r in node.regions: pass")
    assert list(picked_regions(tree)) == ["body, = node.regions", "node.regions[0]"]
