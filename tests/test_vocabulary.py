"""Code and documents use the field's terms: words of the old private vocabulary stay out (docs/glossary.md)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.paths import ROOT

RETIRED = {
    "take_apart": "scalarize, flatten", "tidy_loops": "merge_and_prune_loops", "tidied": "merged",
    "move_products": "hoist_matmuls",
    "CROOKED": "NON_VECTORIZABLE", "Joined": "AxisUnion", "laned": "vectorized", "pocket": "static slots",
    "stand_in": "placeholder",
    "stand-in": "placeholder", "Barrier": "CustomGradFn", "Sweep": "Engine", "judge": "post-check", "nobody": "(say what)",
    "somebody": "(say what)", "anybody": "(say what)", "deposit": "accumulate_grad", "waves": "sincos", "sole": "single use",
}  # fmt: skip
"""Words that have no ordinary meaning in a compiler, and what to say instead."""

PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
SOURCES = [p for folder in ("ir", "codegen", "graphc") for p in (ROOT / folder).rglob("*.py") if not p.parent.is_symlink()]


def retired(text: str) -> list[str]:
    """Return the retired words of a text."""
    return [w for w in RETIRED if re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", text)]


def test_retired_words_stay_out():
    files = [p for p in (*PAGES, *SOURCES) if not {"_build", "api"} & set(p.relative_to(ROOT).parts[:2])]
    found = {str(p.relative_to(ROOT)): words for p in files if (words := retired(p.read_text(encoding="utf-8")))}
    assert len(files) > 150 and found == {}


def test_the_check_sees_words():
    assert retired("what nobody reads is tidied") == ["tidied", "nobody"]
    assert retired("console, judgement") == [] and isinstance(ROOT, Path)
