"""Queries about CUDA, as torch.cuda has them: graphc computes on the CPU only."""

from __future__ import annotations

__all__ = ["device_count", "is_available", "manual_seed_all"]


def is_available() -> bool:
    """Return False: graphc computes on the CPU.

    Example:
        >>> graphc.cuda.is_available()
        False
    """
    return False


def device_count() -> int:
    """Return 0: graphc computes on the CPU.

    Example:
        >>> graphc.cuda.device_count()
        0
    """
    return 0


def manual_seed_all(seed: int) -> None:
    """Do nothing: graphc has no generators besides those of the CPU.

    Args:
        seed: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.cuda.manual_seed_all(0)
    """


def manual_seed(seed: int) -> None:
    """Do nothing: graphc has no generators besides those of the CPU.

    Args:
        seed: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.cuda.manual_seed(0)
    """


def empty_cache() -> None:
    """Do nothing: there is no memory of another device.

    Example:
        >>> graphc.cuda.empty_cache()
    """


def synchronize(device: object = None) -> None:
    """Raise RuntimeError: there is no device to wait for.

    Args:
        device: accepted for compatibility with torch and ignored.

    Raises:
        RuntimeError: always; torch without CUDA raises an error, too.

    Example:
        >>> if graphc.cuda.is_available():
        ...     graphc.cuda.synchronize()
    """
    raise RuntimeError("graphc runs on the CPU: there is no CUDA device to synchronize with")


def is_initialized() -> bool:
    """Return False: there is no CUDA.

    Example:
        >>> graphc.cuda.is_initialized()
        False
    """
    return False


def memory_allocated(device: object = None) -> int:
    """Return 0: there is no memory of another device.

    Args:
        device: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.cuda.memory_allocated()
        0
    """
    return 0


def max_memory_allocated(device: object = None) -> int:
    """Return 0: there is no memory of another device.

    Args:
        device: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.cuda.max_memory_allocated()
        0
    """
    return 0
