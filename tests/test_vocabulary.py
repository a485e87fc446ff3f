"""Code and documents use the field's terms (docs/glossary.md): retired words and turns of phrase stay out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

RETIRED = {
    "take_apart": "scalarize, flatten", "taken apart": "scalarized, split", "tidy_loops": "merge_and_prune_loops",
    "tidied": "merged", "move_products": "hoist_matmuls", "computed again": "recomputed", "CROOKED": "NON_VECTORIZABLE",
    "Joined": "AxisUnion", "laned": "vectorized", "pocket": "static slots", "stand_in": "placeholder",
    "stand-in": "placeholder", "stand-ins": "placeholders", "Barrier": "CustomGradFn", "Sweep": "Engine", "judge": "post-check",
    "deposit": "accumulate_grad", "waves": "sincos", "sole": "single use", "meanings": "semantics",
    "gradfn": "grad_fn", "nan_blame": "nan_origin", "CROSSING": "recompute", "main job": "main program",
    "nobody": "(say what)", "somebody": "(say what)", "anybody": "(say what)", "everybody": "(say what)",
    "whoever": "(say what: every reader, the caller)", "who asks": "(say what)", "who reads": "(say what)",
    "of outside": "external, captured", "put together": "join, concatenate", "this moment": "current", "way back": "backward",
}  # fmt: skip
"""Words and phrases that have no ordinary meaning in a compiler, and what to say instead."""

MANNERS = {
    r"(?<!divide the )\b(gradients?|derivatives?|jacobians?|differentiated?) by (the|an?|each|them|its?|inputs?|`|%)":
        "gradient with respect to",
    r"\b(at most|up to) so many\b": "name the bound",
    r"\bas (torch|PyTorch|NumPy|C|SciPy|jax|Python) has (it|them)\b": "as in torch",
    r"\b(neither|nothing|none) knows\b": "(say what is independent of what)",
}  # fmt: skip
"""Turns of phrase that read as translated, as patterns, and what to say instead."""

OPENINGS = r"^(What|Who|Whose|Whom|Tell|Say|Nothing|Something|That|Of|But)\b(?!.*\?)"
"""How no docstring begins: a noun clause where a sentence says what the function does, or the name of a thing."""

NAMES = {
    "found": "what it is", "made": "what it is", "given": "what it is", "turn": "iteration", "know": "set_value",
    "few": "remainder", "blame": "origin", "family": "specialization", "book": "guards", "ahead": "prefetch", "sweep": "engine",
    "meaning": "reference", "lift": "dispatch",
    "take_apart": "scalarize", "waves": "sincos", "judge": "post_check", "crossing": "recompute",
}  # fmt: skip
"""Names of variables and functions of the old vocabulary, and what to call them."""

PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
SOURCES = [p for folder in ("ir", "codegen", "graphc") for p in sorted((ROOT / folder).rglob("*.py"))]


def retired(text: str) -> list[str]:
    """Return the retired words of a text."""
    return [w for w in RETIRED if re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", text)]


def mannered(prose: str) -> list[str]:
    """Return the turns of phrase of a text that read as translated, in any line breaks."""
    flat = re.sub(r"\s+", " ", prose)
    return [m.group() for pattern in MANNERS for m in re.finditer(pattern, flat, re.I)]


def docstrings(source: str) -> Iterator[str]:
    """Yield the docstrings of a module, those of constants and fields included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value.strip()


def prose(path: Path) -> str:
    """Return what a file says in words: a page as it is, the docstrings and comments of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    comments = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]
    return "\n".join([*docstrings(text), *comments])


def names(source: str) -> Iterator[str]:
    """Yield the names that a module gives to variables, parameters, functions and classes, without leading underscores."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id.lstrip("_")
        elif isinstance(node, ast.arg):
            yield node.arg.lstrip("_")
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name.lstrip("_")


def files() -> list[Path]:
    """Return the pages and sources, without what Sphinx generates."""
    return [p for p in (*PAGES, *SOURCES) if not {"_build", "api"} & set(p.relative_to(ROOT).parts[:2])]


def test_retired_words_stay_out():
    hits = {str(p.relative_to(ROOT)): words for p in files() if (words := retired(p.read_text(encoding="utf-8")))}
    assert len(files()) > 150 and hits == {}


def test_prose_does_not_read_as_translated():
    hits = {str(p.relative_to(ROOT)): phrases for p in files() if (phrases := mannered(prose(p)))}
    assert hits == {}


@pytest.mark.parametrize("folder", ["ir", "codegen", "graphc"])
def test_docstrings_begin_with_what_the_code_does(folder):
    paths = [p for p in SOURCES if p.relative_to(ROOT).parts[0] == folder]
    firsts = [(p.name, text.partition("\n")[0]) for p in paths for text in docstrings(p.read_text(encoding="utf-8"))]
    hits = [first for first in firsts if re.match(OPENINGS, first[1])]
    assert len(paths) > 50 and hits == []


def test_names_say_what_a_value_is():
    used = {str(p.relative_to(ROOT)): {*names(p.read_text(encoding="utf-8"))} & {*NAMES} for p in SOURCES}
    hits = {path: found for path, found in used.items() if found}
    assert hits == {}


def test_the_checks_see_words():
    assert retired("what nobody reads is tidied") == ["tidied", "nobody"]
    assert retired("console, judgement") == [] and isinstance(ROOT, Path)
    assert mannered("the gradient\nby a weight, as torch has it") == ["gradient by a", "as torch has it"]
    assert mannered("the gradient with respect to a weight, divided by a number, sorted by the key") == []
    assert re.match(OPENINGS, "What loops have in common.") and not re.match(OPENINGS, "Return what a loop carries.")
    assert sorted(names("def judge(found, x):\n    _made = x")) == ["found", "judge", "made", "x"]
    assert list(docstrings("x = 1\n'Count.'\n")) == ["Count."]
