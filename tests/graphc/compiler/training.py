"""A training step, in eager mode and compiled."""

from __future__ import annotations

from typing import Any


def variants(compiled: Any) -> int:
    return sum(map(len, compiled._compiled_variants.values()))
