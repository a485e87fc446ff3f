"""Docstrings of the public API: parameters, shapes, results and errors are described, and everything has an example.

That the examples run is the test of tests/test_docs.py.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import graphc
from graphc.core.errors import located
from graphc.nn import functional, init
from graphc.optim import lr_scheduler
from graphc.utils import checkpoint, data

PACKAGES: tuple[ModuleType, ...] = (
    graphc, graphc.func, graphc.autograd, graphc.linalg, graphc.nn, functional, init, graphc.nn.utils,
    graphc.nn.utils.rnn, graphc.optim,
    lr_scheduler, graphc.distributions, checkpoint, data,
)  # fmt: skip
SHAPE = re.compile(
    r"\b(shapes?|vectors?|matri\w+|scalars?|elements?|elementwise|[0-9n]-d|broadcast|ax[ei]s|lengths?|extents?)\b"
    r"|Shapes:|\([A-Z*.][\w, *.+/-]*\)"
)
SHAPELESS = {
    "get_default_dtype": "about dtypes", "set_default_dtype": "about dtypes", "is_floating_point": "about dtypes",
    "save": "any object", "load": "any object", "register_kl": "about classes", "get_default_device": "a device",
    "set_default_device": "a device", "layout": "a layout", "memory_format": "a format",
    "functional_call": "the arguments of any module",
    "once_differentiable": "decorates a function", "checkpoint": "the arguments of any function",
    "checkpoint_sequential": "the argument of any function", "default_collate": "items of any kind",
    "Dataset": "items of any kind",
    "IterableDataset": "items of any kind", "Sampler": "indices",
    "DataLoader": "items of any kind", "Generator": "has no shape of its own",
    "no_grad": "a mode", "enable_grad": "a mode", "inference_mode": "a mode", "detect_anomaly": "a mode", "device": "a device",
    "TracingError": "an error",
}  # fmt: skip
"""What is documented without the shape of a tensor, and why there is none."""


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


def raised(value: Any) -> set[str]:
    """Return the names of the exceptions that the code of a function itself raises, with or without the user's location."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(value))))
    except (OSError, TypeError):
        return set()
    errors = [n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
    errors = [e.args[0] if ast.unparse(e.func).endswith("located") else e for e in errors]
    return {ast.unparse(e.func) for e in errors if isinstance(e, ast.Call)}


def gaps(package: ModuleType) -> list[str]:
    """Return what the docstrings of a package leave out."""
    found = []
    for name, value in public(package):
        text = inspect.getdoc(value) or ""
        missing = [p for p in parameters(value) if p not in described(text)]
        found += [f"{name}: {', '.join(missing)}"] if missing else []
        found += [f"{name}: no example"] if ">>>" not in text else []
        found += [f"{name}: no shape"] if "ensor" in text and not SHAPE.search(text) and name not in SHAPELESS else []
        if not inspect.isclass(value):
            found += [f"{name}: {e}" for e in sorted(raised(value)) if e not in text.partition("Raises:")[2]]
            found += [f"{name}: no result"] if returns(value) and not re.search(r"^Returns?\b", text, re.M) else []
    return found


def returns(function: Any) -> bool:
    """Return whether a function has a result."""
    return inspect.signature(function).return_annotation not in (None, "None", "NoReturn")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.__name__)
def test_docstrings_leave_nothing_out(package):
    assert gaps(package) == []


SILENT = [f for p in PACKAGES for _, f in public(p) if not inspect.isclass(f) and "Raises:\n" not in (inspect.getdoc(f) or "")]


@pytest.mark.parametrize("function", SILENT, ids=lambda f: f.__name__)
def test_functions_that_announce_no_errors_take_every_tensor(function):
    ps = inspect.signature(function).parameters.values()
    count = sum(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in ps)
    for dtype in (graphc.bool, graphc.uint8, graphc.int32, graphc.int64, graphc.float32, graphc.float64):
        for shape in [(), (0,), (2, 0), (3, 3), (1, 2, 3, 2)] if count else [()]:
            result = function(*(graphc.ones(shape, dtype=dtype) for _ in range(count)))
            assert not isinstance(result, graphc.Tensor) or np.asarray(result.detach()).shape == result.shape


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


def test_the_check_sees_gaps(monkeypatch):
    text = "Return.\n\nArgs:\n    a, b: numbers.\n    *rest: more\n        of them.\n\nReturns:\n    c: x."
    assert described(text) == {"a", "b", "rest"}
    module = ModuleType("sample")
    module.f = undocumented  # type: ignore[attr-defined]
    module.__all__ = ["f"]  # type: ignore[attr-defined]
    assert gaps(module) == ["f: b", "f: no example", "f: no shape", "f: IndexError", "f: TypeError", "f: no result"]
    complete = "Return a.\n\n Args:\n  a, b: tensors of a shape.\n\nRaises:\n  IndexError, TypeError: x.\n\n>>> f"
    monkeypatch.setattr(undocumented, "__doc__", complete)
    assert gaps(module) == []


def undocumented(a: Any, b: Any) -> Any:
    """Compare tensors.

    Args:
        a: a number.
    """
    if a is b:
        raise located(IndexError("equal"))
    raise TypeError(a)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.__name__)
def test_functions_have_their_own_names(package):
    """Aliases have the name of another export that is the same function."""
    own = [(n, v) for n, v in public(package) if n != v.__name__]
    assert [(n, v.__name__) for n, v in own if getattr(package, v.__name__, None) is not v] == []


def test_functions_that_share_code_have_their_own_docstrings():
    shared = [[n for n, _ in public(functional) if re.fullmatch(rf"{stem}\dd", n)] for stem in ("conv", "max_pool", "dropout")]
    for names in shared:
        assert len(names) == 3 and len({inspect.getdoc(getattr(functional, n)) for n in names}) == 3
