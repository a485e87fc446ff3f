"""The target description that passes use.

Code generation fills it (codegen/llvm/target.py) and passes it to `graphc.ir.pipeline.optimize`; nothing else in `ir/` depends
on vector widths, register counts or cache sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TargetInfo"]


@dataclass(frozen=True)
class TargetInfo:
    """The properties of a machine that decide how a graph is compiled."""

    register_elements: int
    """The most elements of a value that a loop holds in registers, one scalar per element."""
    lanes: int
    """The largest extent of an axis that may be vectorized."""
    vector_bytes: int
    """Bytes per vector instruction, for estimating the gain of vectorization."""
    vector_elements: int
    """Elements of the vectors that kernels compute with."""
    kernel_cost: int
    """The greatest cost of one kernel: beyond it registers spill, and LLVM's scheduling becomes slow."""
    packed_bytes: int
    """The largest matrix, in bytes, that is packed before a loop: a larger one is packed in blocks by each product."""
    keeping: tuple[tuple[float, float], ...]
    """One (bytes, instructions) entry per cache level: the cost to store and load a byte of an array up to that size."""
