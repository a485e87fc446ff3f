"""The signature of one array of a program: dtype, shape and strides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc.codegen.runtime import allocator
from graphc.ir.core.cached import cached_property

__all__ = ["ArraySpec"]


@dataclass(frozen=True)
class ArraySpec:
    """The dtype, shape and strides (in bytes) of one array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @staticmethod
    def of(x: NDArray[Any]) -> ArraySpec:
        """Describe an array."""
        return ArraySpec(x.dtype, x.shape, x.strides)

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """For each dimension -1 if addresses depend on its stride, else 0."""
        return tuple(-1 if extent > 1 and 0 not in self.shape else 0 for extent in self.shape)

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end of an array in bytes, relative to its first element."""
        if 0 in self.shape:
            return 0, 0
        reach = [(extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True)]
        return sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + self.dtype.itemsize

    @cached_property
    def contiguous(self) -> bool:
        """Whether the strides that addresses depend on are those of C order."""
        dense = [self.dtype.itemsize * math.prod(self.shape[i + 1 :]) for i in range(len(self.shape))]
        return all(not mask or have == want for mask, have, want in zip(self.masks, self.strides, dense, strict=True))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The dimensions from the largest stride to the smallest."""
        return tuple(sorted(range(len(self.shape)), key=lambda i: (-self.strides[i], i)))

    def empty(self) -> NDArray[Any]:
        """Allocate an array; the strides must be dense in some order of its dimensions."""
        if self.contiguous:
            return allocator.empty(self.shape, self.dtype)
        array = allocator.empty([self.shape[i] for i in self.order], self.dtype)
        return np.transpose(array, [self.order.index(i) for i in range(len(self.order))])

    def fits(self, x: object) -> bool:
        """Return whether a program compiled for this signature may read `x`."""
        if type(x) is not np.ndarray or x.dtype != self.dtype or x.shape != self.shape or not x.flags.aligned:
            return False
        axes = zip(self.masks, x.strides, self.strides, strict=True)
        return x.strides == self.strides or all(not mask or a == b for mask, a, b in axes)
