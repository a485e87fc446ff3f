"""Settings of the whole process that torch has; where they mean nothing here, they are accepted and have no effect."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.tensors.devices import CPU, device
from graphc.tensors.tensor import Tensor

__all__ = [
    "are_deterministic_algorithms_enabled", "get_default_device", "get_float32_matmul_precision", "set_default_device",
    "set_float32_matmul_precision", "typename", "use_deterministic_algorithms",
]  # fmt: skip

_settings: dict[str, Any] = {"precision": "highest", "deterministic": False}


def set_float32_matmul_precision(precision: str) -> None:
    """Accept the precision of products of float32 matrices; they are always computed in float32.

    Args:
        precision: "highest", "high" or "medium".

    Raises:
        ValueError: for another word.

    Example:
        >>> graphc.set_float32_matmul_precision("high")
        >>> graphc.get_float32_matmul_precision()
        'high'
    """
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"{precision} is not one of 'highest', 'high', or 'medium'")
    _settings["precision"] = precision


def get_float32_matmul_precision() -> str:
    """Return what `set_float32_matmul_precision` was given last, "highest" at first.

    Example:
        >>> graphc.set_float32_matmul_precision("highest")
        >>> graphc.get_float32_matmul_precision()
        'highest'
    """
    return str(_settings["precision"])


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accept the wish for results that are the same in each run, which they always are.

    Args:
        mode: whether results must be the same.
        warn_only: accepted as in torch and ignored.

    Raises:
        TypeError: if mode is no bool.

    Example:
        >>> graphc.use_deterministic_algorithms(True)
        >>> graphc.are_deterministic_algorithms_enabled()
        True
        >>> graphc.use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        raise located(TypeError(f"use_deterministic_algorithms(): expected a bool, got {type(mode).__name__}"))
    _settings["deterministic"] = mode


def are_deterministic_algorithms_enabled() -> bool:
    """Return what `use_deterministic_algorithms` was given last, False at first.

    Example:
        >>> graphc.are_deterministic_algorithms_enabled()
        False
    """
    return bool(_settings["deterministic"])


def set_default_device(device: Any) -> None:
    """Accept the CPU as the device of new tensors.

    Args:
        device: "cpu", a `graphc.device`, or None.

    Raises:
        RuntimeError: for another device.

    Example:
        >>> graphc.set_default_device("cpu")
    """
    if device is not None:
        type(CPU)(device)


def get_default_device() -> device:
    """Return the device of new tensors, the CPU.

    Example:
        >>> graphc.get_default_device()
        device(type='cpu')
    """
    return CPU


def typename(obj: Any) -> str:
    """Return the name of the type of an object; of a tensor that of its dtype.

    Args:
        obj: any object.

    Returns:
        A string, such as "torch.FloatTensor" for a float32 tensor of any shape.

    Example:
        >>> graphc.typename(graphc.ones(2))
        'torch.FloatTensor'
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if isinstance(obj, type) else type(obj)
    module = "" if kind.__module__ in ("builtins", "__builtin__") else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"
