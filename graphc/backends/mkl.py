"""Queries about mkl: graphc does not use it."""

from __future__ import annotations

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Return False.

    Example:
        >>> graphc.backends.mkl.is_available()
        False
    """
    return False


def is_built() -> bool:
    """Return False."""
    return False
