"""What the documents say is so: their code runs, their links lead somewhere, everything public is documented."""

from __future__ import annotations

import ast
import doctest
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import graphc
from graphc.ir.fusion.fusion import fuse
from graphc.ir.fusion.scalarize import scalarize
from graphc.ir.loops.bufferize import bufferize
from graphc.ir.loops.promote import promote_loops
from graphc.ir.loops.unrolling import unroll_loops
from graphc.ir.rewrite.simplify import simplify
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.transforms.vjp import adjoint
from tests.targets import TARGET

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md"))]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES]
SOURCES = [p for folder in ("ir", "codegen", "graphc", "examples", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))]
SOURCES = [p for p in SOURCES if not (p.parent.is_symlink() or "__pycache__" in p.parts)]
EXAMPLES = {
    "tutorial": "grad_fn=<MeanBackward0>",
    "mlp_digits": "epoch 9",
    "attention": "kernels=",
    "logistic_hessian": "weights [",
    "gelu_kernel": "fusion",
}


def blocks(document: Path, language: str) -> list[tuple[str, str]]:
    """Return what follows the language on the fence, and the text, of every code block of a language."""
    found = re.findall(rf"^```{language}\b ?(.*?)\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)
    return [(mark.strip(), body) for mark, body in found]


def run(script: str, folder: Path = ROOT) -> str:
    """Run a script in a process that imports graphc from a folder, and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    found = subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


def run_here(script: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a script as the main module of this process, which has LLVM loaded already, and return what it prints."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    monkeypatch.chdir(ROOT)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(script, "<string>", "exec"), module.__dict__)
    return printed.getvalue()


# -- code in documents ---------------------------------------------------------------------------------------


def test_readme_code_prints_what_it_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GRAPHC_DEBUG", raising=False)  # the listing is of code without checks
    (code,) = [body for mark, body in blocks(ROOT / "README.md", "python") if mark == ""]
    printed = run(code)
    texts = [body for mark, body in blocks(ROOT / "README.md", "text") if mark == "printed"]
    llvm = [body for mark, body in blocks(ROOT / "README.md", "llvm") if mark == "printed"]
    assert texts and [t for t in texts if wide(t) not in wide(printed)] == []
    assert llvm and [t for t in llvm if numberless(t) not in numberless(printed)] == []


def wide(text: str) -> str:
    """Return a listing as it is on processors of any vector width."""
    return re.sub(r"vector \d+", "vector #", re.sub(r"<\d+ x ", "<# x ", text))


def numberless(text: str) -> str:
    """Return LLVM IR without the numbers that make its names unique."""
    return re.sub(r"\.v\d+f", ".v#f", re.sub(r"(%\w+)\.\d+", r"\1.#", wide(text)))


def test_ci_runs_the_commands_of_the_readme():
    readme, script = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", ".ci/run"))
    commands = [line.strip() for line in readme.splitlines() if line.startswith("    python3 -m venv")]
    assert len(commands) == 2 and [c for c in commands if c not in script] == []


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.parent.name == "docs"], ids=lambda d: d.name)
def test_code_in_documents_runs(document, monkeypatch):
    for mark, body in blocks(document, "python"):
        if mark == "runs":
            run_here(body, monkeypatch)


MAKERS = {
    "adjoint": lambda graph: adjoint(graph, [0]),
    "simplify": simplify,
    "unroll_loops": lambda graph: unroll_loops(graph, TARGET),
    "scalarize": lambda graph: simplify(scalarize(graph, TARGET)),
    "promote_loops": lambda graph: promote_loops(graph, TARGET),
    "fuse": lambda graph: fuse(graph, TARGET),
    "bufferize": lambda graph: bufferize(graph, TARGET),
}


def test_graphs_in_documents_are_what_the_passes_make():
    marked = blocks(ROOT / "docs" / "passes.md", "ir")
    assert {mark.split()[0] for mark, _ in marked} == set(MAKERS)
    for (before, text), (after, made) in zip(marked[::2], marked[1::2], strict=True):
        name, _ = before.split()
        assert (before, after) == (f"{name} before", f"{name} after")
        assert to_text(MAKERS[name](parse(text))) == made


def test_add_an_op(tmp_path):
    for folder in ("ir", "codegen", "graphc"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    document = ROOT / "docs" / "add-an-op.md"
    changes = blocks(document, "diff")
    assert len({file for file, _ in changes}) == 5
    for file, diff in changes:
        path = tmp_path / file
        path.write_text(patched(path.read_text(encoding="utf-8"), diff, file), encoding="utf-8")
    for _, check in blocks(document, "python"):
        run(check, tmp_path)


def patched(text: str, diff: str, file: str) -> str:
    """Return a text with the lines of a diff changed; its other lines must occur once, one after another."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    assert text.count(before) == 1, f"{file} has no such place any more:\n{before}"
    return text.replace(before, "".join(line[1:] for line in lines if line[0] in " +"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_files_that_documents_name_exist(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    named = set(re.findall(r"`((?:ir|codegen|graphc|tests|docs|examples|benchmarks)/[\w./-]+\.\w+)`", text))
    linked = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    assert [n for n in named if not (ROOT / n).exists()] == []
    assert [n for n in linked if not (document.parent / n).exists()] == []


def test_debugging_names_every_topic_and_stage():
    debug, dump = importlib.import_module("graphc.ir.text.debug"), importlib.import_module("graphc.cli.dump")
    text = (ROOT / "docs" / "debugging.md").read_text(encoding="utf-8")
    assert [name for name in (*debug.TOPICS, *dump.STAGES) if f"`{name}`" not in text] == []


GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_guides_print_what_they_say(guide):
    sessions = "\n".join(body for _, body in blocks(guide, "pycon"))
    test = doctest.DocTestParser().get_doctest(sessions, {}, guide.name, str(guide), 0)
    lines: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(test, out=lines.append)
    assert tried and not failed, "".join(lines)


# -- examples ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name, monkeypatch):
    assert EXAMPLES[name] in run_here((ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8"), monkeypatch)


def test_every_example_is_tested():
    assert {p.stem for p in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


# -- docstrings ----------------------------------------------------------------------------------------------


def public_definitions(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return a file's public functions and classes, and the public methods of public classes."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    tops = [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    methods = [m for c in tops if isinstance(c, ast.ClassDef) for m in c.body if isinstance(m, ast.FunctionDef)]
    inner = [m for m in methods if not m.name.startswith("_")]
    return [*tops, *inner]


def repeats(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Tell whether a definition is told elsewhere: an overload, or a setter of a property."""
    names = {d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for d in node.decorator_list}
    return bool(names & {"overload", "setter", "deleter", "override"})


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_everything_public_has_a_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    missing = [f"{n.name} (line {n.lineno})" for n in public_definitions(tree) if not ast.get_docstring(n) and not repeats(n)]
    assert ast.get_docstring(tree) and missing == []


NAMES = {"graphc": graphc, "np": np, "nn": graphc.nn, "F": graphc.nn.functional, "optim": graphc.optim, "func": graphc.func}
"""What examples in docstrings may use without an import."""

WITH_DOCTESTS = [p for p in SOURCES if ">>>" in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_DOCTESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_doctests(path):
    folder = "graphc." if path.is_relative_to(ROOT / "ir") or path.is_relative_to(ROOT / "codegen") else ""
    name = folder + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    failed, tried = doctest.testmod(importlib.import_module(name), extraglobs=NAMES)
    assert tried and not failed
