"""What passes know of the machine that code is generated for.

Code generation fills the record (codegen/llvm/target.py) and hands it to `graphc.ir.pipeline.optimize`; nothing else in
`ir/` says how wide a vector is or how many registers and what caches there are.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TargetInfo"]


@dataclass(frozen=True)
class TargetInfo:
    """A machine, as far as it decides how a graph is compiled."""

    register_elements: int
    """A loop holds values of at most so many elements in registers, element by element."""
    lanes: int
    """An axis of at most so many elements may become the lanes of vectors."""
    vector_bytes: int
    """What one instruction works on, for estimates of what lanes save."""
    vector_elements: int
    """Elements of the vectors that kernels work on."""
    kernel_cost: int
    """The greatest cost of one kernel: beyond it registers spill, and instructions take long to be scheduled."""
    packed_bytes: int
    """A matrix of more bytes is not packed before a loop: each product takes long enough, and packs it in blocks."""
    keeping: tuple[tuple[float, float], ...]
    """Instructions that it costs to write and read a byte, for arrays of up to so many bytes: one entry for each cache."""
