"""What scripts ask before they choose a device: there is none but the CPU."""

from __future__ import annotations

__all__ = ["device_count", "is_available", "manual_seed_all"]


def is_available() -> bool:
    """Return False: graphc computes on the CPU."""
    return False


def device_count() -> int:
    """Return 0: graphc computes on the CPU."""
    return 0


def manual_seed_all(seed: int) -> None:
    """Do nothing: there are no generators but those of the CPU."""
