"""Sums, means and maxima of bags of embeddings."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter, fresh
from graphc.ops.create.fill import check_device

__all__ = ["EmbeddingBag"]


class EmbeddingBag(Module):
    """Look up vectors by integers in a table, and return the sum, mean or maximum of each bag.

    weight (num_embeddings, embedding_dim) starts standard normal, its row padding_idx zero.

    Args:
        num_embeddings: number of vectors V.
        embedding_dim: extent of each vector D.
        max_norm: not supported, None only.
        norm_type: ignored, as max_norm is None.
        scale_grad_by_freq: not supported, False only.
        mode: "sum", "mean" or "max".
        sparse: ignored except with "max", where torch refuses it; gradients are dense.
        _weight: the table, None for a new one.
        include_last_offset: whether the last offset is the end of the last bag.
        padding_idx: integer that is left out of the bags, within [-V, V), or None.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the table, None for the default one.

    Shapes:
        Input: integers (B, L), or (N,) with offsets (B,). Output: (B, D).

    Raises:
        AssertionError: if padding_idx is out of range, or the table has another shape.

    Example:
        >>> nn.EmbeddingBag(10, 3)(graphc.tensor([1, 2, 4, 5]), graphc.tensor([0, 3])).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError("padding_idx must be within num_embeddings")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset
        if _weight is None:
            self.weight = fresh(num_embeddings, embedding_dim)
            self.reset_parameters()
            if dtype is not None:
                self.to(dtype)
        else:
            if list(_weight.shape) != [num_embeddings, embedding_dim]:
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw the table again."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, *args: Any, **kwargs: Any) -> EmbeddingBag:
        """Return an embedding bag with a given table.

        Args:
            embeddings: table (V, D), whose memory it shares.
            freeze: whether the table gets no gradient.
            *args: max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset and padding_idx.
            **kwargs: the same by name.

        Returns:
            The EmbeddingBag.

        Example:
            >>> bag = nn.EmbeddingBag.from_pretrained(graphc.tensor([[0.0, 1.0], [2.0, 3.0]]))
            >>> bag(graphc.tensor([[0, 1]]))
            tensor([[1., 2.]])
        """
        names = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "include_last_offset", "padding_idx")
        options = {**dict(zip(names, args, strict=False)), **kwargs}
        bag = cls(embeddings.shape[0], embeddings.shape[1], _weight=embeddings, **options)
        bag.weight.requires_grad_(not freeze)
        return bag

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """Return the result of each bag.

        Args:
            input: integers (B, L), or a vector (N,) of all bags one after another.
            offsets: for a vector, the position (B,) at which each bag begins.
            per_sample_weights: factors of the vectors, of the shape of input, with "sum" only; or None.

        Returns:
            Tensor (B, D).
        """
        options = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse)
        rest = (per_sample_weights, self.include_last_offset, self.padding_idx)
        return F.embedding_bag(input, self.weight, offsets, *options, *rest)

    def extra_repr(self) -> str:
        """Return the sizes and the options."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, default in (("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            text += f", {name}={getattr(self, name)!r}" if getattr(self, name) != default else ""
        return f"{text}, mode={self.mode!r}" + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")
