"""Memory formats and layouts: names that are accepted; all tensors are strided, and their strides are graphc's choice."""

from __future__ import annotations

__all__ = ["channels_last", "channels_last_3d", "contiguous_format", "layout", "memory_format", "preserve_format", "strided"]


class memory_format:
    """The order of axes in memory that a program asks for; it is accepted and has no effect on values.

    Args:
        name: the name of the format.

    Example:
        >>> graphc.channels_last
        torch.channels_last
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class layout(memory_format):
    """The kind of storage of a tensor, always `graphc.strided`.

    Args:
        name: the name of the layout.

    Example:
        >>> graphc.ones(2).layout
        torch.strided
    """


channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
strided = layout("strided")
