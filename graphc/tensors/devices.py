"""The device of a tensor: always the CPU."""

from __future__ import annotations

__all__ = ["CPU", "device"]


class device:
    """The device of a tensor: always the CPU.

    Args:
        type: "cpu", optionally with an index ("cpu:0"), or a device.
        index: ignored.

    Raises:
        RuntimeError: for another device.

    Example:
        >>> graphc.device("cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        kind = str(type).split(":")[0]
        if kind != "cpu":
            raise RuntimeError(f"graphc runs on the CPU; got device {str(type)!r}")
        self.type, self.index = kind, index

    def __enter__(self) -> device:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: tensors are created on the CPU within and without the block."""

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __str__(self) -> str:
        return self.type

    def __eq__(self, other: object) -> bool:
        return str(other).split(":")[0] == self.type

    def __hash__(self) -> int:
        return hash(self.type)


CPU = device("cpu")
