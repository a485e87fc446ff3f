"""Switches of cuDNN: they can be set and have no effect."""

from __future__ import annotations

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available", "version"]

allow_tf32, benchmark, deterministic, enabled = True, False, False, True


def is_available() -> bool:
    """Return False: graphc computes on the CPU.

    Example:
        >>> graphc.backends.cudnn.is_available()
        False
    """
    return False


def version() -> None:
    """Return None: there is no cuDNN."""
