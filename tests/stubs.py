"""Stubs of what users import, written from the signatures that `help` shows: `python -m tests.stubs` writes them.

An operation is lifted from nodes to tensors and a method is given to the class when graphc is imported, neither of which a type
checker can follow; everything else the stubs import from where it is defined.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import graphc
from graphc.autograd import backward
from graphc.core import dtypes
from graphc.dispatch.operation import USERS_TYPES
from graphc.nn import functional
from graphc.ops.linear_algebra import results
from graphc.ops.methods.in_place import INPLACE
from graphc.ops.methods.operators import IN_PLACE_OPERATORS
from graphc.ops.methods.table import METHODS, SPECIAL

PACKAGE = Path(graphc.__file__).parent

FROM_BACKWARD = ("backward", "register_hook", "register_post_accumulate_grad_hook")
"""Methods that `graphc.autograd` adds."""

SHADOWED = ("bool", "float", "int", "type")
"""Builtin types whose names graphc and its tensors use for something else."""

HOMES = {
    "Any": "typing", "Literal": "typing", "NoReturn": "typing", "Unpack": "typing_extensions", "Callable": "collections.abc",
    "Sequence": "collections.abc", "np": "", "Tensor": "graphc.tensors.tensor", "device": "graphc.tensors.devices",
    "dtype": "graphc.core.dtypes", "Size": "graphc.core.dtypes", "DTypeLike": "graphc.ops.common",
    "TensorType": "graphc.tensors.typed", "Generator": "graphc.ops.random.generator", "Options": "graphc.ops.create.options",
    "RandomOptions": "graphc.ops.create.options", "ValuesIndices": "graphc.ops.reduce.extremes",
    "Frexp": "graphc.ops.elementwise.representation", "Histogram": "graphc.ops.reduce.histograms",
    **dict.fromkeys(results.__all__, "graphc.ops.linear_algebra.results"),
    "RemovableHandle": "graphc.autograd.hooks", "Tensors": "graphc.autograd.backward",
}  # fmt: skip
"""Where the names of annotations come from."""

HEAD = '"""Types of {what}, written by tests/stubs.py."""\n\nimport builtins\n'


# -- signatures ------------------------------------------------------------------------------------------


def annotated(annotation: Any) -> str:
    """Return an annotation as it is written in a stub; nothing for none."""
    if annotation is inspect.Parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\w+", lambda m: USERS_TYPES.get(m[0], m[0]), text.replace("dtypes.dtype", "dtype").replace("builtins.", ""))
    return re.sub(rf"\b({'|'.join(SHADOWED)})\b", r"builtins.\1", text)


def default(value: Any) -> str:
    """Return a default as it is written in a stub: literally where that is short."""
    return repr(value) if isinstance(value, (bool, int, float, str, tuple, type(None))) and value == value else "..."


def parameter(p: inspect.Parameter) -> str:
    """Return one parameter as it is written in a stub."""
    star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    kind = annotated(p.annotation)
    text = f"{star}{p.name}: {kind}" if kind else f"{star}{p.name}"
    return text if p.default is p.empty else f"{text} = {default(p.default)}"


def parameters(ps: list[inspect.Parameter]) -> str:
    """Return a list of parameters, with the star before keywords."""
    texts, star = [], False
    for p in ps:
        if p.kind is p.KEYWORD_ONLY and not star:
            texts.append("*")
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        texts.append(parameter(p))
    return ", ".join(texts)


def definitions(name: str, function: Callable[..., Any], method: bool = False, result: str = "") -> str:
    """Return the definitions of a function in a stub: one, or its overloads; of a method, the first parameter is self."""
    overloads = overloads_of(name, function)
    lines = []
    for variant in overloads or [function]:
        signature = inspect.signature(variant)
        ps = list(signature.parameters.values())
        if method:
            ps[0] = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        returned = result or annotated(signature.return_annotation)
        lines += ["@overload"] if overloads else []
        lines.append(f"def {name}({parameters(ps)}) -> {returned}:{documented(name, function, method)}")
    return "\n".join(lines) + "\n"


def overloads_of(name: str, function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the overloads of a function: its own, or those of the protocol that its module declares as its type."""
    own = inspect.unwrap(function)
    home = vars(sys.modules[own.__module__])
    protocol = home.get(str(home.get("__annotations__", {}).get(name)))
    if protocol is None:
        return [*typing.get_overloads(own)]
    call = types.SimpleNamespace(__module__=own.__module__, __qualname__=f"{protocol.__qualname__}.__call__")
    return [partial(f, None) for f in typing.get_overloads(call)]  # type: ignore[arg-type]


def documented(name: str, function: Callable[..., Any], method: bool) -> str:
    """Return the body of a definition: what editors do not find in a source.

    That is the docstring of a function that a factory makes, and the first line of a method's.
    """
    text = inspect.getdoc(function) or ""
    if method and text:
        return f'\n    """{text.splitlines()[0]}"""'
    return textwrap.indent(f'\n"""{text}\n"""', "    ") if is_made(name, function) else " ..."


# -- stubs -----------------------------------------------------------------------------------------------


def module_stub(module: types.ModuleType, what: str) -> str:
    """Return the stub of a module: operations are defined, everything else is imported."""
    lines = [exported(module, name, getattr(module, name)) for name in module.__all__]
    body = "".join(sorted(lines, key=lambda line: not line.startswith("from ")))
    quoted = ", ".join(f'"{n}"' for n in sorted(module.__all__))
    names = textwrap.fill(quoted, 120, initial_indent="    ", subsequent_indent="    ")
    return completed(HEAD.format(what=what), f"{body}\n__all__ = [\n{names},\n]\n")


def exported(module: types.ModuleType, name: str, value: Any) -> str:
    """Return the lines of a stub for one public name."""
    if isinstance(value, types.ModuleType):
        return f"from {value.__name__.rpartition('.')[0]} import {name} as {name}\n"
    if hasattr(value, "nodes") or is_made(name, value):
        return definitions(name, value)
    if isinstance(value, (str, float, type(None))):
        return f"{name}: {annotated(type(value).__name__.replace('NoneType', 'None'))}\n"
    home = getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None)
    if isinstance(value, dtypes.dtype):
        home = dtypes.__name__
    if home == module.__name__:
        return definitions(name, value)
    defined = next((n for n, v in vars(sys.modules[home]).items() if v is value and n == name), None)
    own = defined or getattr(value, "__name__", name)
    return f"from {home} import {own} as {name}\n"


def is_made(name: str, value: Any) -> bool:
    """Return whether a function has no definition under its own name: a factory makes it."""
    function = inspect.unwrap(value) if callable(value) else None
    return inspect.isfunction(function) and function.__code__.co_name != name and function.__name__ == name


def tensor_methods() -> Iterator[str]:
    """Yield the definitions of the methods that are given to the class."""
    for name, value in {**METHODS, **SPECIAL}.items():
        if isinstance(value, property):
            yield f"@property\ndef {name}(self) -> Tensor: ...\n"
        elif re.fullmatch(r"__r?(add|sub|mul|truediv|floordiv|mod|pow|matmul|and|or|xor|lshift|rshift|lt|le|gt|ge)__", name):
            yield f"def {name}(self, other: Tensor | builtins.float) -> Tensor: ...\n"
        elif name in ("__eq__", "__ne__"):
            yield f"def {name}(self, other: object) -> Tensor: ...  # type: ignore[override]\n"
        else:
            yield definitions(name, value, method=True)
    for name in INPLACE:
        yield definitions(f"{name}_", getattr(graphc.Tensor, f"{name}_"), method=True, result="Tensor")
    for name in IN_PLACE_OPERATORS:
        yield f"def __i{name}__(self, other: Tensor | builtins.float) -> Tensor: ...\n"
    for name in FROM_BACKWARD:
        yield definitions(name, getattr(graphc.Tensor, name), method=True)


def class_stub() -> str:
    """Return the stub of the base class that declares the methods of tensors."""
    lines = "".join(tensor_methods()).splitlines(keepends=True)
    body = "\nclass Operations:\n" + "".join(f"    {line}" for line in lines)
    return completed(HEAD.format(what="the methods of tensors that are operations"), body)


def completed(head: str, body: str) -> str:
    """Return a stub with the imports that its annotations need."""
    needed = {n for n in HOMES if re.search(rf"(?<![\w.]){n}(?![\w=])", re.sub(r"^from.*$", "", body, flags=re.M))}
    needed -= set(re.findall(r"^from .* import (\w+) as \1$", body, flags=re.M)) | {"np"}
    imports = [f"from {HOMES[n]} import {n}" for n in sorted(needed)]
    imports += ["from typing import overload"] if "@overload" in body else []
    imports += ["import numpy as np"] if "np." in body else []
    return head + "\n".join(sorted(imports)) + "\n" + body


def stubs() -> dict[Path, str]:
    """Return the text of every stub by its file."""
    return {
        PACKAGE / "__init__.pyi": module_stub(graphc, "what `graphc` exports"),
        PACKAGE / "linalg.pyi": module_stub(graphc.linalg, "`graphc.linalg`"),
        PACKAGE / "nn" / "functional.pyi": module_stub(functional, "`graphc.nn.functional`"),
        PACKAGE / "tensors" / "operations.pyi": class_stub(),
    }


if __name__ == "__main__":
    assert backward
    for file, text in stubs().items():
        file.write_text(text, encoding="utf-8")
