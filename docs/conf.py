"""Build these pages with Sphinx: `pip install -e '.[docs]' && python -m sphinx -W docs docs/_build`.

The pages of the API reference (`docs/api/`) are written here from what the packages export, so that nothing public is
left out of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

import graphc
from graphc.nn import functional
from graphc.ops import (
    create,
    decompositions,
    elementwise,
    indexing,
    linear_algebra,
    losses,
    nn,
    random,
    reduce,
    resampling,
    shape,
)
from graphc.optim import lr_scheduler

project = "graphc"
copyright = "the graphc authors"
release = version = graphc.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "graphc"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Shapes"]
highlight_language = "none"
default_role = "code"
lexers["ir"] = lexers["mlir"] = TextLexer()

FAMILIES: dict[str, ModuleType] = {
    "Creation": create,
    "Elementwise": elementwise,
    "Reductions and sorting": reduce,
    "Shapes": shape,
    "Indexing": indexing,
    "Products and systems of equations": linear_algebra,
    "Decompositions": decompositions,
    "Random numbers": random,
    "Neural networks": nn,
    "Resampling": resampling,
    "Losses": losses,
}
"""Pages of operations, and the folders whose public functions are on each."""

MODULES: dict[str, ModuleType] = {
    "Autograd": graphc.autograd,
    "Function transforms": graphc.func,
    "Modules": graphc.nn,
    "Initialization": graphc.nn.init,
    "Training utilities": graphc.nn.utils,
    "Optimizers": graphc.optim,
    "Learning rate schedules": lr_scheduler,
    "Linear algebra": graphc.linalg,
    "Distributions": graphc.distributions,
    "Data": graphc.utils.data,
    "Checkpoints": graphc.utils.checkpoint,
}
"""Pages of whole modules."""


def entry(module: str, name: str, value: Any) -> str:
    """Return the directive that documents a public name."""
    if inspect.isclass(value):
        several = value in (graphc.nn.Module, graphc.Tensor)  # they have their methods from several files
        inherited = "   :inherited-members:\n" if several else ""
        return f".. autoclass:: {module}.{name}\n   :members:\n{inherited}   :exclude-members: function\n"
    return f".. autofunction:: {module}.{name}\n" if callable(value) else ""


def page(title: str, entries: Iterable[str], intro: str = "") -> str:
    """Return the text of a page."""
    body = "\n".join(e for e in entries if e)
    return f"# {title}\n\n{intro}\n\n```{{eval-rst}}\n{body}```\n"


def owner(name: str) -> tuple[str, Any] | None:
    """Return the package that exports an operation, and the function; None if it is not public."""
    for package in (graphc, functional):
        if hasattr(package, name):
            return package.__name__, getattr(package, name)
    return None


def exported(folder: ModuleType) -> list[str]:
    """Return what the modules of a folder export."""
    modules = [import_module(f"{folder.__name__}.{m.name}") for m in iter_modules(folder.__path__)]
    return sorted(name for module in modules for name in module.__all__)


def operation_pages() -> dict[str, str]:
    """Return the pages of operations by title, and one of what `graphc` exports besides."""
    pages, told = {}, set()
    for title, folder in FAMILIES.items():
        others = tuple(f"{f.__name__}." for f in FAMILIES.values() if f is not folder)
        names = exported(folder)
        found = {n: owner(n) for n in names}  # a method of tensors may have the name of another family's function
        found = {n: at for n, at in found.items() if at and not str(getattr(at[1], "__module__", "")).startswith(others)}
        told.update(names)
        pages[title] = page(title, [entry(at[0], n, at[1]) for n, at in found.items()])
    title = "Functions of layers"
    left = [n for n in functional.__all__ if n not in told]
    pages[title] = page(title, [entry(functional.__name__, n, getattr(functional, n)) for n in left])
    told.update(["Tensor", *(n for module in MODULES.values() for n in module.__all__)])
    rest = [n for n in graphc.__all__ if n not in told and not inspect.ismodule(getattr(graphc, n))]
    pages["Compiling, control flow, dtypes"] = page(
        "Compiling, control flow, dtypes", [entry("graphc", n, getattr(graphc, n)) for n in sorted(rest)]
    )
    return pages


def module_pages() -> dict[str, str]:
    """Return the pages of whole modules, and of the tensor."""
    pages = {"Tensor": page("Tensor", [entry("graphc", "Tensor", graphc.Tensor)])}
    for title, module in MODULES.items():
        names = sorted(n for n in module.__all__ if not inspect.ismodule(getattr(module, n)))
        pages[title] = page(title, [entry(module.__name__, n, getattr(module, n)) for n in names])
    return pages


def write_api(app: Any) -> None:
    """Write the pages of the API reference where their text has changed."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    pages = {**module_pages(), **operation_pages()}
    slugs = {title: title.lower().replace(",", "").replace(" ", "-") for title in pages}
    index = "# API reference\n\n```{toctree}\n:maxdepth: 1\n\n" + "".join(f"{s}\n" for s in slugs.values()) + "```\n"
    for slug, text in {**{slugs[t]: text for t, text in pages.items()}, "index": index}.items():
        file = folder / f"{slug}.md"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def escape_marks(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the bars of absolute values and the stars of products, which reStructuredText would take for markup."""
    for number, x in enumerate(lines):
        marks = r"\|" if x.lstrip().startswith("*") else r"[|*]"  # *args keeps its star
        lines[number] = "`".join(re.sub(marks, r"\\\g<0>", s) if i % 2 == 0 else s for i, s in enumerate(x.split("`")))


def setup(app: Any) -> None:
    """Connect to Sphinx."""
    app.connect("autodoc-process-docstring", escape_marks)
    app.connect("builder-inited", write_api)
