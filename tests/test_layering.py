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
    "codegen.llvm", "codegen.loops", "codegen.nests", "codegen.gemm", "codegen.linear_algebra", "codegen.mlir",
    "codegen.threads", "codegen.runtime",
    "codegen.program.memory", "codegen.program.register_loops", "codegen.program",
    "codegen",
    "core", "recording", "storage", "tensors", "dispatch",
    "ops", "ops.elementwise", "ops.special", "ops.create", "ops.shape", "ops.indexing", "ops.reduce", "ops.linear_algebra",
    "ops.decompositions", "ops.random", "ops.nn", "ops.resampling", "ops.losses", "ops.methods",
    "autograd", "tracing", "batching", "control_flow", "compiler.guards", "compiler.results", "compiler", "func",
    "nn", "nn.module", "nn.containers", "nn.layers", "nn.activation", "nn.convolution", "nn.lazy", "nn.utils",
    "nn.resampling", "nn.recurrent", "nn.transformer", "nn.losses", "nn.__init__",
    "distributions", "backends", "optim", "optim.lr_scheduler", "optim.__init__", "utils", "", "cli",
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


# -- the tests mirror the sources -----------------------------------------------------------------------------------

TESTS = ROOT / "tests"
ACROSS = {
    "ir/regions/test_raw_slices.py": "nothing outside of the records slices operands: a search of all sources",
    "ir/transforms/test_vmap_loops.py": "batches of loops given as text: rules, residuals and masks together",
    "codegen/program/test_guard_pages.py": "all kernels, with arrays next to inaccessible pages",
    "graphc/test_values.py": "every public name has a test that asserts its value",
    "graphc/ops/test_higher_derivatives.py": "the table of operations, differentiated twice and three times",
    "graphc/ops/test_refusals.py": "the table of operations, with arguments that torch refuses",
    "graphc/ops/test_special_values.py": "the table of operations, at NaN, infinities and ends of domains",
    "graphc/ops/indexing/test_ranges.py": "indices out of range of every indexing operation",
    "graphc/ops/losses/test_checks.py": "arguments that every loss checks",
    "graphc/ops/losses/test_weights.py": "weights of every loss",
    "graphc/ops/nn/test_activations.py": "options that activations share",
    "graphc/storage/test_filled_buffers.py": "buffers written part by part with gradients: events, joined writes, memory",
    "graphc/ops/random/test_arguments.py": "arguments that every random function checks",
    "graphc/nn/layers/test_training.py": "layers over a training loop: statistics, initial values, modes",
    "graphc/control_flow/test_against_python.py": "random programs, against the same loops in Python",
    "graphc/recording/test_recording_random.py": "random scripts, recorded and on nodes",
    "graphc/compiler/test_aliases.py": "arguments and state that share memory: capture, variants and events together",
    "graphc/compiler/test_errors.py": "errors of compiled functions, wherever they are raised",
    "graphc/compiler/test_threads.py": "several threads and processes in one compiled function",
    "graphc/core/test_junk_arguments.py": "every public function, with arguments that make no sense",
}  # fmt: skip
"""Test files of a source folder that are not named for one of its modules, and what they test instead."""


def source_folders() -> dict[str, set[str]]:
    """Return the modules of each source folder that has code, without `__init__`."""
    folders: dict[str, set[str]] = {}
    for path in MODULES.values():
        if path.name != "__init__.py":
            folders.setdefault(path.parent.relative_to(ROOT).as_posix(), set()).add(path.stem)
    return folders


def files_of_tests() -> list[Path]:
    """Return the test files of source folders, below `tests/`; others are about the project as a whole."""
    paths = [p.relative_to(TESTS) for p in sorted(TESTS.rglob("test_*.py"))]
    return [p for p in paths if len(p.parts) > 1 and p.parts[0] != "fuzz"]


def strays(tests: list[Path], folders: dict[str, set[str]]) -> list[str]:
    """Return the test files that mirror neither a module nor a whole folder, and are not listed."""
    found = []
    for path in tests:
        folder, subject = path.parent.as_posix(), path.stem.removeprefix("test_")
        if folder not in folders or (subject not in {*folders[folder], path.parent.name} and path.as_posix() not in ACROSS):
            found.append(path.as_posix())
    return found


def test_tests_mirror_the_sources():
    folders, tests = source_folders(), files_of_tests()
    assert strays(tests, folders) == []
    assert sorted(set(folders) - {p.parent.as_posix() for p in tests}) == []
    assert sorted(p for p in ACROSS if not (TESTS / p).exists()) == []
    assert len(folders) > 50 and len(tests) > 100


def test_the_mirror_can_break():
    folders = {"ir/rewrite": {"engine"}}
    assert strays([Path("ir/rewrite/test_engine.py"), Path("ir/rewrite/test_rewrite.py")], folders) == []
    assert strays([Path("ir/rewrite/test_motion.py"), Path("ir/motion/test_motion.py")], folders) == [
        "ir/rewrite/test_motion.py", "ir/motion/test_motion.py",
    ]  # fmt: skip
