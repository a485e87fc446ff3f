"""List the public names of PyTorch that graphc lacks, by module, and how many it has.

Run `python benchmarks/names.py` for the counts, `python benchmarks/names.py nn linalg` for missing names too; it needs torch.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def is_module(value: Any) -> bool:
    """Return whether a value is a module or a mark of the typing machinery."""
    return isinstance(value, ModuleType) or getattr(value, "__module__", "") in ("typing", "builtins", "__future__")


def is_class(value: Any) -> bool:
    """Return whether a value is a class."""
    return inspect.isclass(value)


def is_function(value: Any) -> bool:
    """Return whether a value is a function, in Python or built in."""
    return inspect.isroutine(value)


def anything(value: Any) -> bool:
    """Return True."""
    return True


PLACES: dict[str, Callable[[Any], bool]] = {
    "": anything, "Tensor": anything, "nn": is_class, "nn.functional": is_function, "nn.init": is_function,
    "nn.utils": is_function, "nn.utils.rnn": is_function, "optim": is_class, "optim.lr_scheduler": is_class,
    "linalg": is_function, "fft": is_function, "special": is_function, "distributions": is_class, "utils.data": is_class,
    "autograd": anything, "func": is_function,
}  # fmt: skip
"""Where names are compared, and which kind of values counts there."""


def public(place: Any, wanted: Callable[[Any], bool]) -> set[str]:
    """Return the public names of a module or class, by `__all__` where it has one, without modules."""
    names = [n for n in getattr(place, "__all__", dir(place)) if not n.startswith("_")]
    return {n for n in names if hasattr(place, n) and not is_module(getattr(place, n)) and wanted(getattr(place, n))}


def at(root: str, path: str) -> Any:
    """Return the module or class at a dotted path below a package; None if there is none."""
    owner: Any = import_module(root)
    for part in path.split(".") if path else ():
        if not hasattr(owner, part):
            try:
                import_module(f"{owner.__name__}.{part}")
            except (ImportError, AttributeError):
                return None
        owner = getattr(owner, part)
    return owner


def main(shown: list[str]) -> None:
    """Print counts, and the missing names of the places asked for."""
    for path, wanted in PLACES.items():
        names = public(at("torch", path), wanted)
        ours = at("graphc", path)
        missing = sorted(n for n in names if not hasattr(ours, n))
        print(f"{path or 'torch':20} {len(names) - len(missing):4} of {len(names):4}   {1 - len(missing) / len(names):.0%}")
        if path in shown or "all" in shown:
            print("    " + " ".join(missing))


if __name__ == "__main__":
    main(sys.argv[1:])
