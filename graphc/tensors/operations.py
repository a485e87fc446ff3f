"""The base class that declares the methods which are operations; the class gets them when these are imported."""

from __future__ import annotations

__all__ = ["Operations"]


class Operations:
    """Declared in `operations.pyi`, and given to the class by `graphc.ops.methods` and `graphc.autograd`."""

    __slots__ = ()
