"""Arrows point one way, graphc -> codegen -> ir, and every import of our own stands at the head of its file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {"ir": 0, "codegen": 1, "graphc": 2}


def sources(folder: str) -> list[Path]:
    """Return the Python files of a root folder, not those behind links."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return [p for p in files if not (folder == "graphc" and p.parent.name in LAYERS and p.parent.is_symlink())]


FILES = [(layer, path) for layer in LAYERS for path in sources(layer)]
NAMES = [f"{layer}/{path.relative_to(ROOT / layer)}" for layer, path in FILES]


def imported(node: ast.AST) -> list[str]:
    """Return the modules that an import statement names: `graphc.ir.core.graph` for `from graphc.ir import graph` too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: relative import"
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and module of every import of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for module in imported(node):
            yield node.lineno, module  # type: ignore[attr-defined]


def layer_of(module: str) -> str:
    """Return the layer a module of ours belongs to."""
    part = module.split(".")[1] if "." in module else ""
    return part if part in ("ir", "codegen") else "graphc"


def test_there_are_files_of_every_layer():
    assert {layer for layer, _ in FILES} == set(LAYERS)
    assert len(FILES) > 60


@pytest.mark.parametrize("layer, path", FILES, ids=NAMES)
def test_imports_go_down(layer, path):
    # `from graphc.ir import x` names graphc.ir and graphc.ir.x: both are of ir; `import graphc` is of graphc
    ours = [(line, m) for line, m in imports(path) if m == "graphc" or m.startswith("graphc.")]
    up = [(line, m) for line, m in ours if LAYERS[layer_of(m)] > LAYERS[layer] and m not in ("graphc.ir", "graphc.codegen")]
    assert up == []


@pytest.mark.parametrize("layer, path", FILES, ids=NAMES)
def test_only_the_jit_knows_llvmlite(layer, path):
    found = [m for _, m in imports(path) if m.split(".")[0] == "llvmlite"]
    assert bool(found) == (path == ROOT / "codegen" / "runtime" / "engine.py")


@pytest.mark.parametrize("layer, path", FILES, ids=NAMES)
def test_functions_import_nothing_of_ours(layer, path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    inside = [m for f in functions for n in ast.walk(f) for m in imported(n)]
    assert [m for m in inside if m.split(".")[0] == "graphc"] == []
