"""Switches of CUDA: they can be set and have no effect."""

from __future__ import annotations

from types import SimpleNamespace

__all__ = ["is_built", "matmul"]

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True)


def is_built() -> bool:
    """Return False: graphc computes on the CPU.

    Example:
        >>> graphc.backends.cuda.is_built()
        False
    """
    return False
