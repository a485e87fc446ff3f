"""Keywords that functions which make tensors share."""

from __future__ import annotations

from typing import Any, TypedDict

__all__: list[str] = []


class Options(TypedDict, total=False):
    """What all of them take; only the first two mean something here."""

    requires_grad: bool
    device: Any
    layout: Any
    pin_memory: bool
    memory_format: Any


class RandomOptions(Options, total=False):
    """What those take besides whose generator is no parameter of their own."""

    generator: Any
