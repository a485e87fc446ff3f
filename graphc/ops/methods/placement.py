"""Methods about devices and layouts: every tensor is strided, and on the CPU."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.tensors.formats import layout as layout_type
from graphc.tensors.formats import strided
from graphc.tensors.tensor import Tensor

__all__ = ["cuda", "get_device", "is_complex", "is_pinned", "pin_memory"]


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raise RuntimeError: graphc computes on the CPU; `graphc.cuda.is_available()` says so.

    Args:
        device: accepted for compatibility with torch and ignored.
        non_blocking: accepted for compatibility with torch and ignored.
        memory_format: accepted for compatibility with torch and ignored.

    Raises:
        RuntimeError: always.

    Example:
        >>> x = graphc.ones(2)
        >>> x.cuda() if graphc.cuda.is_available() else x
        tensor([1., 1.])
    """
    raise located(RuntimeError("graphc runs on the CPU: there is no CUDA device"))


def get_device(self: Tensor) -> int:
    """Return -1, as torch does for the CPU.

    Example:
        >>> graphc.ones(2).get_device()
        -1
    """
    return -1


def is_complex(self: Tensor) -> bool:
    """Return False: there are no complex dtypes yet.

    Example:
        >>> graphc.ones(2).is_complex()
        False
    """
    return False


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Return False: there is no pinned memory.

    Args:
        device: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.ones(2).is_pinned()
        False
    """
    return False


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Return this tensor: there is no device that would need pinned memory.

    Args:
        device: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.ones(2).pin_memory()
        tensor([1., 1.])
    """
    return self


def _false(self: Tensor) -> bool:
    """Return False."""
    return False


def _true(self: Tensor) -> bool:
    """Return True."""
    return True


def _layout(self: Tensor) -> layout_type:
    """Return the layout of the tensor, `graphc.strided`."""
    return strided


PROPERTIES: dict[str, Any] = {
    **dict.fromkeys(("is_cuda", "is_sparse", "is_quantized", "is_mps", "is_meta", "is_mkldnn", "is_xpu"), property(_false)),
    "is_cpu": property(_true),
    "layout": property(_layout),
}
"""Attributes of tensors that have one value here."""
