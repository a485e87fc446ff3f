"""Docstrings of the public API: every parameter is described, every function of the first rank has an example that runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import graphc
from graphc.nn import functional, init
from graphc.optim import lr_scheduler
from graphc.utils import checkpoint, data

WITH_EXAMPLES: tuple[ModuleType, ...] = (graphc, graphc.func, graphc.autograd, graphc.linalg)
PACKAGES = (*WITH_EXAMPLES, graphc.nn, functional, init, graphc.nn.utils, graphc.optim, lr_scheduler, checkpoint, data)


def public(package: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that a package exports, with their names."""
    for name in package.__all__:
        value = getattr(package, name)
        if callable(value) and not isinstance(value, graphc.dtype):
            yield name, value


def parameters(value: Any) -> list[str]:
    """Return the parameters that a docstring has to describe."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.name not in ("self", "cls") and not p.name.startswith("_")]


def described(text: str) -> set[str]:
    """Return the names in the section Args."""
    section = re.search(r"^\s*Args:\n(.*?)(?:\n\s*\n|\Z)", text, re.M | re.S)
    lines = section.group(1).splitlines() if section else []
    return {name.strip(" *") for line in lines if (m := re.match(r"\s*([*\w, ]+?):", line)) for name in m.group(1).split(",")}


def gaps(package: ModuleType, examples: bool) -> list[str]:
    """Return what the docstrings of a package leave out."""
    found = []
    for name, value in public(package):
        text = inspect.getdoc(value) or ""
        missing = [p for p in parameters(value) if p not in described(text)]
        found += [f"{name}: {', '.join(missing)}"] if missing else []
        found += [f"{name}: no example"] if examples and ">>>" not in text and not inspect.isclass(value) else []
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.__name__)
def test_parameters_and_examples(package):
    assert gaps(package, package in WITH_EXAMPLES) == []


def test_methods_of_tensors():
    methods = [(n, m) for n, m in inspect.getmembers(graphc.Tensor, inspect.isfunction) if not n.startswith("_")]
    missing = [f"{n}: {p}" for n, m in methods for p in parameters(m) if p not in described(inspect.getdoc(m) or "")]
    assert missing == []


@pytest.mark.parametrize("name", [n for n, c in public(graphc.nn) if inspect.isclass(c)])
def test_modules_say_shapes_and_describe_their_methods(name):
    found = getattr(graphc.nn, name)
    assert "Shapes:\n" in inspect.getdoc(found) and ">>>" in inspect.getdoc(found)
    own = [(n, m) for n, m in inspect.getmembers(found, inspect.isfunction) if not n.startswith("_")]
    own = [(n, m) for n, m in own if m.__module__.startswith("graphc.nn.")]
    assert [f"{n}: {p}" for n, m in own for p in parameters(m) if p not in described(inspect.getdoc(m) or "")] == []


def test_the_check_sees_gaps():
    text = "Return.\n\nArgs:\n    a, b: numbers.\n    *rest: more\n        of them.\n\nReturns:\n    c: x."
    assert described(text) == {"a", "b", "rest"}
    module = ModuleType("sample")
    module.f = lambda a, b: None  # type: ignore[attr-defined]
    module.f.__doc__ = "Return.\n\nArgs:\n    a: a number."
    module.__all__ = ["f"]  # type: ignore[attr-defined]
    assert gaps(module, True) == ["f: b", "f: no example"]


@pytest.mark.parametrize("package", [functional, init], ids=lambda p: p.__name__)
def test_functions_have_their_own_names(package):
    assert [(n, v.__name__) for n, v in public(package) if v.__name__ != n] == []


def test_functions_that_share_code_have_their_own_docstrings():
    shared = [[n for n, _ in public(functional) if re.fullmatch(rf"{stem}\dd", n)] for stem in ("conv", "max_pool", "dropout")]
    for names in shared:
        assert len(names) == 3 and len({inspect.getdoc(getattr(functional, n)) for n in names}) == 3
