"""`python -m graphc dump file.py:f --shape 128,64:f32 --stage llvm`: print a function at a stage of the compiler."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc.compiler.api import compile
from graphc.compiler.compiled import Compiled
from graphc.compiler.lowered import Lowered
from graphc.func.reverse import grad
from graphc.ir.core.types import DTYPES

__all__ = ["STAGES", "add_arguments", "example", "load_function", "run"]

STAGES: dict[str, str] = {
    "captured": "what the function recorded up to its first gradient",
    "adjoint": "all that it recorded, gradients too",
    "merged": "after loops that say the same were made one",
    "unrolled": "after short loops over large arrays were written out",
    "rematerialized": "after it was decided what loops keep for their gradients",
    "hoisted": "after products that no iteration of a loop waits for were taken out of it",
    "optimized": "after constant folding and the rewrite rules",
    "scalarized": "after work on short axes became work on their components",
    "promoted": "after it was decided which loops run in registers, and along which axes in lanes",
    "fused": "after fusion: each group one kernel",
    "bufferized": "after it was decided which arrays loops update in place",
    "kernels": "scheduled loop kernels",
    "mlir": "the optimized graph in MLIR's core dialects",
    "emitted": "LLVM IR as it was emitted",
    "llvm": "LLVM IR as LLVM holds it when it makes code",
    "asm": "assembly for this CPU",
    "cost": "operations, bytes, kernels, arena bytes of one call",
}
"""Every stage that can be printed, in the order of the pipeline, with a description."""


class _Usage(Exception):
    """Invalid arguments; the message gives the reason."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dump`."""
    parser.add_argument("function", nargs="?", metavar="file.py:f", help="a function, or an nn.Module, and the file it is in")
    parser.add_argument(
        "--shape", nargs="+", action="extend", default=[], metavar="128,64:f32",
        help="extents and dtype of each argument in turn; f32 if none is given, ':f32' is a 0-d tensor",
    )  # fmt: skip
    parser.add_argument("--stage", default="optimized", metavar="STAGE", help="what to print (default: optimized)")
    parser.add_argument("--grad", action="store_true", help="print the gradient with respect to the first argument")
    parser.add_argument("--list", action="store_true", help="print the names of all stages")
    parser.set_defaults(parser=parser)


def run(options: argparse.Namespace) -> int:
    """Print a stage and return 0; 1 if the function raises.  Raises SystemExit with code 2 for invalid arguments."""
    if options.list:
        print("\n".join(f"{name:10} {what}" for name, what in STAGES.items()))
        return 0
    try:
        if options.function is None:
            raise _Usage("expected file.py:function, got nothing")
        if options.stage not in STAGES:
            raise _Usage(f"expected a stage of {', '.join(STAGES)}, got {options.stage!r}")
        arguments = [example(spec) for spec in options.shape]
        function = load_function(options.function)
    except _Usage as error:
        options.parser.error(str(error))
    try:
        print(text(_compiled(function, differentiated=options.grad).lower(*arguments), options.stage).rstrip())
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        print(f"{options.function} on {' '.join(options.shape) or 'no arguments'}: {error}", file=sys.stderr)
        return 1
    return 0


def text(lowered: Lowered, stage: str) -> str:
    """Return the text of one of `STAGES`."""
    if stage == "emitted":
        return lowered.llvm_ir(optimized=False)
    return str(lowered.cost()) if stage == "cost" else lowered.ir(stage)


def example(spec: str) -> NDArray[Any]:
    """Return zeros of the shape and dtype of a spec such as `128,64:f32`.  Raises an error that states the expected form."""
    extents, _, dtype = spec.partition(":")
    dtype = dtype or "f32"
    if not re.fullmatch(r"(\d+(,\d+)*)?", extents) or dtype not in DTYPES:
        raise _Usage(f"expected a shape as 128,64:f32 with a dtype of {', '.join(DTYPES)}, got {spec!r}")
    return np.zeros([int(n) for n in extents.split(",") if n], DTYPES[dtype].numpy)


def load_function(spec: str) -> Callable[..., Any]:
    """Run the file of `file.py:f` and return its f.  Raises an error that says what was expected."""
    file, colon, name = spec.rpartition(":")
    path = Path(file)
    if not colon or path.suffix != ".py":
        raise _Usage(f"expected file.py:function, got {spec!r}")
    if not path.is_file():
        raise _Usage(f"expected a file, but there is no {file}")
    function = _attribute(_module(path), name, file)
    if not callable(function):
        raise _Usage(f"expected a function, but {name} of {file} is of type {type(function).__name__}")
    return function  # type: ignore[no-any-return]


def _module(path: Path) -> Any:
    """Run a file as a module that is not `__main__`, with its own folder to import from."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def _attribute(module: Any, name: str, file: str) -> Any:
    try:
        return attrgetter(name)(module)
    except AttributeError:
        names = [n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module.__name__]
        raise _Usage(f"expected one of {', '.join(names) or 'no functions'} of {file}, got {name!r}") from None


def _compiled(function: Callable[..., Any], *, differentiated: bool) -> Compiled:
    function = grad(function) if differentiated else function
    return function if isinstance(function, Compiled) else compile(function)
