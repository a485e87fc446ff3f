"""The code that a search for readable values follows."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import FunctionType
from typing import Any

from graphc.compiler.guards.reads import reads_of
from graphc.tensors.tensor import Tensor

__all__ = ["GRAPHC", "HELD_IN", "READ_BY_USERS", "Scope", "file_of", "package_of", "reflects"]

_STDLIB = tuple(str(Path(sysconfig.get_paths()[k]).resolve()) for k in ("stdlib", "platstdlib"))

GRAPHC = str(Path(__file__).parents[2])

_LAYERS = str(Path(GRAPHC) / "nn")

_MODULE = str(Path(_LAYERS) / "module")

# Module knows where it holds its attributes, Optimizer which of its own its step does not guard
HELD_IN, READ_BY_USERS = "_held_in", "_read_by_users"


class Scope:
    """The code that is followed: the user's, that of one other package, and the layers of graphc.nn."""

    def __init__(self, package: str) -> None:
        self.package = package

    def follows(self, cls: type) -> bool:
        """Return whether the methods of a class are followed; those of Module, Optimizer and Tensor themselves are not."""
        file = file_of(cls)
        base = READ_BY_USERS in cls.__dict__ or issubclass(Tensor, cls) or (file is not None and file.startswith(_MODULE))
        return not base and (self.is_users(file) or hasattr(cls, HELD_IN))

    def is_users(self, file: str | None, *, layers: bool = True) -> bool:
        """Return whether code of a file is followed: the user's own, or a layer of graphc.nn."""
        if file is None:
            return False
        if file.startswith(GRAPHC):
            return layers and file.startswith(_LAYERS)
        if file.startswith("<frozen"):
            return False
        if "site-packages" in file or "dist-packages" in file:
            return bool(self.package) and f"-packages/{self.package}" in file.replace("\\", "/")
        return not file.startswith(_STDLIB)


def reflects(attributes: dict[str, tuple[Any, type]]) -> bool:
    """Return whether a computing method of one of graphc's layers reads attributes by reflection."""
    called = (attributes[n][0] for n in ("forward", "_call", "__getitem__") if n in attributes)
    functions = [f for f in called if isinstance(f, FunctionType)]
    return any(f.__code__.co_filename.startswith(_LAYERS) and reads_of(f.__code__).anything for f in functions)


def file_of(cls: type) -> str | None:
    """Return the file of a class; classes of an interactive session count as having one."""
    module = sys.modules.get(cls.__module__)
    if module is None:
        return "<string>"
    return getattr(module, "__file__", None) or ("<stdin>" if cls.__module__ == "__main__" else None)


def package_of(root: Any) -> str:
    """Return the name of the package that defines an object or its class."""
    module = getattr(root, "__module__", None) or type(root).__module__
    return str(module).split(".")[0]
