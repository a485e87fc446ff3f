"""Linear maps and embeddings."""

from __future__ import annotations

from math import sqrt
from typing import Any

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter, fresh
from graphc.ops.create.fill import check_device

__all__ = ["Bilinear", "Embedding", "Identity", "Linear"]


class Identity(Module):
    """Return the input.

    Args:
        *args: accepted and ignored.
        **kwargs: accepted and ignored.

    Shapes:
        Input: any. Output: the same tensor.

    Example:
        >>> nn.Identity(54, unused=True)(graphc.tensor([1.0]))
        tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Return the input.

        Args:
            input: any object.
        """
        return input


class Linear(Module):
    """Map the last axis linearly: input @ weight.T + bias.

    weight (out_features, in_features) and bias (out_features,) start uniform in [-b, b) with b = 1 / sqrt(in_features).

    Args:
        in_features: extent of the last axis of the input.
        out_features: extent of the last axis of the output.
        bias: whether there is a bias.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (…, in_features). Output: (…, out_features).

    Example:
        >>> nn.Linear(3, 2)(graphc.ones(5, 3)).shape
        torch.Size([5, 2])
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_device(device)
        self.in_features, self.out_features = in_features, out_features
        self.weight = fresh(out_features, in_features)
        self.register_parameter("bias", fresh(out_features) if bias else None)
        self.reset_parameters()
        if dtype is not None:
            self.to(dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """Map the last axis.

        Args:
            input: tensor (…, in_features).

        Returns:
            Tensor (…, out_features).
        """
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """Combine two inputs: input1^T weight[o] input2 + bias[o] for each output o.

    weight (out_features, in1_features, in2_features) and bias (out_features,) start uniform in [-b, b) with b = 1 /
    sqrt(in1_features).

    Args:
        in1_features: extent of the last axis of the first input.
        in2_features: extent of the last axis of the second input.
        out_features: extent of the last axis of the output.
        bias: whether there is a bias.

    Shapes:
        Input: (…, in1_features) and (…, in2_features) with equal leading axes. Output: (…, out_features).

    Example:
        >>> nn.Bilinear(3, 4, 2)(graphc.ones(5, 3), graphc.ones(5, 4)).shape
        torch.Size([5, 2])
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = fresh(out_features, in1_features, in2_features)
        self.register_parameter("bias", fresh(out_features) if bias else None)
        for parameter in self.parameters():
            init.uniform_(parameter, -1 / sqrt(in1_features), 1 / sqrt(in1_features))

    def forward(self, input1: Any, input2: Any) -> Any:
        """Combine the last axes of both inputs.

        Args:
            input1: tensor (…, in1_features).
            input2: tensor (…, in2_features).

        Returns:
            Tensor (…, out_features).
        """
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Embedding(Module):
    """Look up vectors by integers in a table.

    weight (num_embeddings, embedding_dim) starts standard normal, its row padding_idx zero.

    Args:
        num_embeddings: number of vectors V.
        embedding_dim: extent of each vector.
        padding_idx: row that gets no gradient, within [-V, V), or None.

    Shapes:
        Input: integers (…), each within [0, V). Output: (…, embedding_dim).

    Raises:
        ValueError: if padding_idx is out of range.

    Example:
        >>> nn.Embedding(10, 3)(graphc.tensor([[1, 2], [9, 1]])).shape
        torch.Size([2, 2, 3])
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError("Padding_idx must be within num_embeddings")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = fresh(num_embeddings, embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table again."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """Return an embedding with a given table.

        Args:
            embeddings: table (V, D), whose memory it shares.
            freeze: whether the table gets no gradient.
            padding_idx: row that gets no gradient, or None.

        Returns:
            The Embedding.

        Example:
            >>> nn.Embedding.from_pretrained(graphc.tensor([[0.0, 1.0], [2.0, 3.0]]))(graphc.tensor(1))
            tensor([2., 3.])
        """
        embedding = cls(embeddings.shape[0], embeddings.shape[1], padding_idx)
        embedding.weight = Parameter(embeddings, requires_grad=not freeze)
        return embedding

    def forward(self, input: Any) -> Any:
        """Return the vectors of integers.

        Args:
            input: integer tensor (…).

        Returns:
            Tensor (…, embedding_dim).
        """
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
