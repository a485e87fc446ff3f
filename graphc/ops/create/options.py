"""Keywords that creation functions share."""

from __future__ import annotations

from typing import Any, TypedDict

__all__: list[str] = []


class Options(TypedDict, total=False):
    """The keywords of all creation functions; only the first two have an effect."""

    requires_grad: bool
    device: Any
    layout: Any
    pin_memory: bool
    memory_format: Any


class RandomOptions(Options, total=False):
    """The additional keywords of random functions that do not declare their own generator."""

    generator: Any
