"""Imports go down, between packages and between their folders; no circles; every import stands at the head of its file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

from tests.paths import ROOT

FOLDERS = [
    "ir.core", "ir.regions", "ir.access", "ir.analysis", "ir.text", "ir.interpret", "ir.transforms", "ir.sparse", "ir.rewrite",
    "ir.loops",
    "ir.fusion",
    "ir",
    "codegen.llvm", "codegen.loops", "codegen.nests", "codegen.gemm", "codegen.mlir", "codegen.runtime",
    "codegen.program.memory", "codegen.program.register_loops", "codegen.program",
    "codegen",
    "core", "recording", "storage", "tensors", "dispatch",
    "ops", "ops.elementwise", "ops.create", "ops.shape", "ops.indexing", "ops.reduce", "ops.linear_algebra", "ops.random",
    "ops.nn", "ops.losses", "ops.methods",
    "autograd", "tracing", "batching", "control_flow", "compiler.guards", "compiler", "func",
    "nn", "nn.module", "nn.containers", "nn.layers", "nn.activation", "nn.convolution", "nn.losses", "nn.__init__",
    "optim", "optim.lr_scheduler", "optim.__init__", "utils", "", "cli",
]  # fmt: skip
"""The folders below graphc, low to high: a file imports from its own folder and from folders before it.

Where a package exports what its subfolders define, its `__init__` stands above them.
"""

LLVMLITE = ("codegen/llvm/target.py", "codegen/runtime/engine.py")
"""The files that import llvmlite."""

MOST_FILES = 15
"""Files of a folder, `__init__.py` aside."""


def sources() -> Iterator[tuple[str, Path]]:
    """Yield each file of the three packages, with its module's name below graphc; files behind links once."""
    for package in ("ir", "codegen", "graphc"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[:2] in (("graphc", "ir"), ("graphc", "codegen")):
                continue
            parts = parts[1:] if parts[0] == "graphc" else parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(sources())


def folder_of(module: str) -> str:
    """Return the folder of a module: a package is its own, or its `__init__` has a place of its own."""
    if MODULES[module].name != "__init__.py":
        return module.rpartition(".")[0]
    return f"{module}.__init__" if f"{module}.__init__" in FOLDERS else module


def named(node: ast.AST) -> list[str]:
    """Return the modules an import statement may name: of `from graphc.ir.core import graph` the package and the module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: relative import"
        return [f"{node.module}.{alias.name}" for alias in node.names] + [node.module or ""]
    return []


def own(node: ast.AST) -> set[str]:
    """Return the modules of ours that an import statement reads: the most exact name of each."""
    known = [m.removeprefix("graphc").removeprefix(".") for m in named(node) if m.split(".")[0] == "graphc"]
    known = [m for m in known if m in MODULES]
    package = known[-1:] if isinstance(node, ast.ImportFrom) else []
    exact = [m for m in known if [m] != package]
    whole = isinstance(node, ast.ImportFrom) and len(exact) < len(node.names)
    return {*exact, *(package if whole else ())} if isinstance(node, ast.ImportFrom) else set(known)


TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}
EDGES = sorted({(m, target) for m, tree in TREES.items() for node in ast.walk(tree) for target in own(node) if target != m})


def test_every_folder_is_in_the_order():
    assert {folder_of(m) for m in MODULES} == set(FOLDERS)
    assert len(MODULES) > 150 and len(EDGES) > 500


def test_imports_go_down():
    # a module run by `python -m` stands above all
    up = [e for e in EDGES if FOLDERS.index(folder_of(e[0])) < FOLDERS.index(folder_of(e[1])) and e[0] != "__main__"]
    assert up == []


def test_no_files_import_one_another():
    graph = networkx.DiGraph([e for e in EDGES if MODULES[e[1]].name != "__init__.py"])
    assert [sorted(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1] == []


def test_a_folder_is_seen_at_a_glance():
    counts = {f: sum(folder_of(m) == f for m in MODULES if MODULES[m].name != "__init__.py") for f in FOLDERS}
    assert {f: n for f, n in counts.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("module", TREES)
def test_llvmlite_is_imported_in_two_files(module):
    found = [m for node in ast.walk(TREES[module]) for m in named(node) if m.split(".")[0] == "llvmlite"]
    assert bool(found) == (MODULES[module].relative_to(ROOT).as_posix() in LLVMLITE)


@pytest.mark.parametrize("module", TREES)
def test_functions_import_nothing_of_ours(module):
    functions = [n for n in ast.walk(TREES[module]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    inside = [m for f in functions for n in ast.walk(f) for m in named(n)]
    assert [m for m in inside if m.split(".")[0] == "graphc"] == []


def test_the_checks_can_fail():
    code = "from graphc.ir.core import build\nimport graphc.ir.core.graph\nfrom graphc.ir.core.types import DType"
    down = ast.parse(code).body
    assert [own(n) for n in down] == [{"ir.core.build"}, {"ir.core.graph"}, {"ir.core.types"}]
    assert FOLDERS.index(folder_of("ir.core.build")) < FOLDERS.index(folder_of("codegen.gemm.driver"))
