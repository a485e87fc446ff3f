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
