"""Every public name is used in a test that asserts something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import graphc
from graphc import linalg
from graphc.nn import functional, init
from graphc.ops.methods.in_place import INPLACE
from graphc.optim import lr_scheduler
from graphc.utils import checkpoint, data
from tests.paths import ROOT

PACKAGES = (
    graphc, graphc.nn, functional, init, graphc.nn.utils,
    graphc.nn.utils.rnn, graphc.optim, lr_scheduler, linalg, graphc.func, graphc.autograd,
    graphc.random, graphc.distributions, checkpoint, data,
)  # fmt: skip
TABLE = Path("tests/graphc/storage/test_writes.py")
"""The in-place methods are tested by a table of their arguments, which names them without the underscore."""


def modules() -> dict[Path, ast.Module]:
    """Return the syntax trees of the tests' modules."""
    paths = [p for p in sorted((ROOT / "tests").rglob("*.py")) if "fuzz" not in p.parts and p != Path(__file__)]
    return {p.relative_to(ROOT): ast.parse(p.read_text(encoding="utf-8")) for p in paths}


def called(node: ast.AST) -> set[str]:
    """Return the last names of the functions that a piece of code calls."""
    functions = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else f.id for f in functions if isinstance(f, (ast.Attribute, ast.Name))}


def asserting(trees: Mapping[Path, ast.Module]) -> set[str]:
    """Return the names of the functions that assert something, or call one that does."""
    functions = [n for tree in trees.values() for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    calls = [(f.name, called(f)) for f in functions]
    names = {f.name for f in functions if any(isinstance(n, ast.Assert) for n in ast.walk(f))}
    names |= {c for _, cs in calls for c in cs if c.startswith("assert_")}
    while more := {name for name, calls_of in calls if calls_of & names} - names:
        names |= more
    return names


def used(node: ast.AST, asserts: Set[str]) -> Iterator[str]:
    """Yield the names and strings of code, without imports, docstrings, bodies that raise, and tests without an assertion."""
    raises = isinstance(node, ast.With) and any("raises" in ast.unparse(i.context_expr) for i in node.items)
    idle = isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name not in asserts
    alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if raises or idle or alone or isinstance(node, (ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from re.findall(r"\w+", node.value)
    for child in ast.iter_child_nodes(node):
        yield from used(child, asserts)


def unused(trees: Mapping[Path, ast.Module], names: Set[str]) -> list[str]:
    """Return those of some names that no asserting test uses."""
    asserts = asserting(trees)
    return sorted(names - {n for tree in trees.values() for n in used(tree, asserts)})


def test_every_public_name_is_used_in_a_test_that_asserts():
    trees = modules()
    assert {p.__name__: unused(trees, {*p.__all__}) for p in PACKAGES} == {p.__name__: [] for p in PACKAGES}
    methods = {n for n in dir(graphc.Tensor) if not n.startswith("_")} - {f"{n}_" for n in INPLACE}
    assert unused(trees, methods) == [] and unused({TABLE: trees[TABLE]}, {*INPLACE}) == []


def test_the_check_sees_unused_names():
    code = """
import f
def check(x): assert x
def test_a(): check(g)
def test_b(): h()
def test_c():
    "Test k."
    with pytest.raises(ValueError): i(-1)
    assert j.l == {"m": 0}
"""
    assert unused({Path("t.py"): ast.parse(code)}, {*"fghijklm"}) == ["f", "h", "i", "k"]
