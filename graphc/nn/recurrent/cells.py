"""Recurrent cells: one step of a recurrence."""

from __future__ import annotations

from math import sqrt
from typing import Any

from graphc.core.errors import located
from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.nn.recurrent.steps import GATES, STEPS, State, Weights
from graphc.ops.create.fill import check_device, zeros
from graphc.tensors.tensor import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """Base class of recurrent cells: it holds the parameters of `num_chunks` gates.

    weight_ih (num_chunks * hidden_size, input_size), weight_hh (num_chunks * hidden_size, hidden_size), bias_ih and bias_hh
    (num_chunks * hidden_size,) start uniform in [-b, b) with b = 1 / sqrt(hidden_size).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        bias: whether there are biases.
        num_chunks: number of gates.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Defined by the subclasses.

    Example:
        >>> [name for name, _ in nn.GRUCell(2, 3).named_parameters()]
        ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']
    """

    mode = "RNN_TANH"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        check_device(device)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weight_ih = fresh(num_chunks * hidden_size, input_size)
        self.weight_hh = fresh(num_chunks * hidden_size, hidden_size)
        self.register_parameter("bias_ih", fresh(num_chunks * hidden_size) if bias else None)
        self.register_parameter("bias_hh", fresh(num_chunks * hidden_size) if bias else None)
        self.reset_parameters()
        if dtype is not None:
            self.to(dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters again."""
        bound = 1 / sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")

    def _next(self, input: Tensor, states: Any) -> State:
        """Return the next state.  Raises ValueError, RuntimeError."""
        kind = type(self).__name__
        if input.dim() not in (1, 2):
            raise located(ValueError(f"{kind}: Expected input to be 1D or 2D, got {input.dim()}D instead"))
        if input.shape[-1] != self.input_size:
            got = f"got {input.shape[-1]}, expected {self.input_size}"
            raise located(RuntimeError(f"input has inconsistent input_size: {got}"))
        count = 2 if self.mode == "LSTM" else 1
        shape = (*input.shape[:-1], self.hidden_size)
        state = tuple(zeros(shape, dtype=input.dtype) for _ in range(count)) if states is None else tuple(states)
        for i, part in enumerate(state):
            if part.dim() not in (1, 2):
                name = f"hx[{i}]" if count > 1 else "hidden"
                raise located(ValueError(f"{kind}: Expected {name} to be 1D or 2D, got {part.dim()}D instead"))
            if tuple(part.shape) != shape:
                raise located(RuntimeError(f"{kind}: expected a hidden state of shape {list(shape)}, got {list(part.shape)}"))
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return STEPS[self.mode](F.linear(input, weights.weight_ih, weights.bias_ih), state, weights)


class RNNCell(RNNCellBase):
    """Compute one step of an Elman network: tanh(weight_ih x + bias_ih + weight_hh h + bias_hh).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, input_size), or without N; hidden state: (N, hidden_size). Output: (N, hidden_size).

    Example:
        >>> nn.RNNCell(3, 4)(graphc.ones(2, 3)).shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Compute the next hidden state.

        Args:
            input: tensor (N, input_size), or without N.
            hx: hidden state (N, hidden_size), None for zeros.

        Returns:
            Tensor (N, hidden_size).

        Raises:
            ValueError: if an operand has neither one nor two axes.
            RuntimeError: if the extents do not fit, or nonlinearity is another word.
        """
        if self.nonlinearity not in ("tanh", "relu"):
            raise located(RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}"))
        self.mode = f"RNN_{self.nonlinearity.upper()}"
        return self._next(input, None if hx is None else (hx,))[0]

    def extra_repr(self) -> str:
        """Return the sizes."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """Compute one step of a long short-term memory.

    With the gates i, f, g, o of weight_ih x + bias_ih + weight_hh h + bias_hh, the cell state becomes sigmoid(f) c + sigmoid(i)
    tanh(g), and the hidden state sigmoid(o) tanh(c). Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden and of the cell state.
        bias: whether there are biases.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, input_size), or without N; states: (N, hidden_size). Output: two tensors (N, hidden_size).

    Example:
        >>> h, c = nn.LSTMCell(3, 4)(graphc.ones(2, 3))
        >>> h.shape, c.shape
        (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    mode = "LSTM"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, GATES[self.mode], device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Compute the next state.

        Args:
            input: tensor (N, input_size), or without N.
            hx: pair of hidden and cell state (N, hidden_size), None for zeros.

        Returns:
            Pair of the hidden and the cell state, tensors (N, hidden_size).

        Raises:
            ValueError: if an operand has neither one nor two axes.
            RuntimeError: if the extents do not fit.
        """
        hidden, cell = self._next(input, hx)
        return hidden, cell


class GRUCell(RNNCellBase):
    """Compute one step of a gated recurrent unit.

    r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z alike, n = tanh(W_in x + b_in + r (W_hn h + b_hn)), and h becomes (1 - z) n +
    z h. Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        bias: whether there are biases.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (N, input_size), or without N; hidden state: (N, hidden_size). Output: (N, hidden_size).

    Example:
        >>> nn.GRUCell(3, 4)(graphc.ones(2, 3)).shape
        torch.Size([2, 4])
    """

    mode = "GRU"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, GATES[self.mode], device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Compute the next hidden state.

        Args:
            input: tensor (N, input_size), or without N.
            hx: hidden state (N, hidden_size), None for zeros.

        Returns:
            Tensor (N, hidden_size).

        Raises:
            ValueError: if an operand has neither one nor two axes.
            RuntimeError: if the extents do not fit.
        """
        return self._next(input, None if hx is None else (hx,))[0]
