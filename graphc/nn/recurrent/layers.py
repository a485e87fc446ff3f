"""Recurrent layers: a recurrence over whole sequences, in several layers and both directions."""

from __future__ import annotations

import warnings
from math import sqrt
from typing import Any

from graphc.core.errors import located
from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter, fresh
from graphc.nn.recurrent.checks import check_options, check_states
from graphc.nn.recurrent.steps import GATES, State, recurrence
from graphc.nn.utils.rnn import PackedSequence, lengths_of, pack_steps, pad_steps
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import check_device, zeros
from graphc.ops.shape.joining import cat, stack
from graphc.tensors.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Module):
    """Base class of recurrent layers: parameters of all layers and directions, and the computation.

    Layer k has weight_ih_l{k} (gates * hidden_size, extent of its input), weight_hh_l{k} (gates * hidden_size, hidden_size),
    bias_ih_l{k} and bias_hh_l{k} (gates * hidden_size,), weight_hr_l{k} (proj_size, hidden_size), and the same with the ending
    _reverse. All start uniform in [-b, b) with b = 1 / sqrt(hidden_size).

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        num_layers: number of layers; each takes the hidden states of the one before.
        bias: whether there are biases.
        batch_first: whether the batch is the first axis of input and output; states have it second.
        dropout: probability with which elements between layers are set to 0 in training.
        bidirectional: whether a second recurrence runs backwards; the hidden states of both are joined.
        proj_size: extent to which an LSTM projects its hidden state, 0 for none.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Defined by the subclasses.

    Raises:
        ValueError: if mode is another word, or a number is out of range.
        TypeError: if an argument has another type.

    Example:
        >>> nn.RNNBase("GRU", 2, 3)(graphc.ones(5, 1, 2))[0].shape
        torch.Size([5, 1, 3])
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        check_options(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if dropout > 0 and num_layers == 1:
            got = f"dropout={dropout} and num_layers={num_layers}"
            warnings.warn(f"dropout stands between recurrent layers and needs more than one, got {got}", stacklevel=3)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        gates, width = GATES[mode] * hidden_size, proj_size or hidden_size
        directions = ("", "_reverse") if bidirectional else ("",)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for direction in directions:
                extent = width * len(directions) if layer else input_size
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, extent), "weight_hh": (gates, width)}
                shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)} if bias else {}
                shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
                names = {f"{name}_l{layer}{direction}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, fresh(*shape))
                self._all_weights.append(list(names))
        self.reset_parameters()
        if dtype is not None:
            self.to(dtype)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """Return the parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def reset_parameters(self) -> None:
        """Draw the parameters again."""
        bound = 1 / sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing; torch joins the parameters in memory for another device."""

    def extra_repr(self) -> str:
        """Return the sizes and what differs from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0.0),
                              ("bidirectional", False)):  # fmt: skip
            value = getattr(self, name)
            text += f", {name}={value}" if value != default else ""
        return text

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run the recurrence.

        Args:
            input: tensor (L, N, input_size), (N, L, input_size) with batch_first, (L, input_size) without a batch, or a
                PackedSequence.
            hx: first hidden state (directions * num_layers, N, hidden_size), without N for an input without a batch; of an
                LSTM the pair of hidden and cell state. None for zeros.

        Returns:
            Pair of the hidden states of the last layer, in the form of input, and the last states, in the form of hx.

        Raises:
            ValueError: if input has neither two nor three axes, or another dtype than the parameters.
            RuntimeError: if the extents do not fit, or the sequence is empty.
        """
        packed = isinstance(input, PackedSequence)
        data = input.data if packed else input
        sizes: list[int] = input.batch_sizes.tolist() if packed else []
        self._check_input(data, packed)
        batched = packed or data.dim() == 3
        x = data if batched else data.unsqueeze(1)
        if packed:
            x = pad_steps(data, sizes, 0.0)
        elif batched and self.batch_first:
            x = x.transpose(0, 1)
        if not len(x):
            raise located(RuntimeError("Expected sequence length to be larger than 0 in RNN"))
        order = input.sorted_indices if packed else None
        states = check_states(self, hx, x, batched)
        if order is not None:
            states = tuple(s.index_select(1, order) for s in states)
        outputs: Any
        outputs, states = self._layers(x, states, _valid(input, len(x)) if packed else None)
        if packed:
            back = input.unsorted_indices
            states = states if back is None else tuple(s.index_select(1, back) for s in states)
            outputs = PackedSequence(pack_steps(outputs, sizes), *input[1:])
        elif not batched:
            outputs, states = outputs.squeeze(1), tuple(s.squeeze(1) for s in states)
        elif self.batch_first:
            outputs = outputs.transpose(0, 1)
        return outputs, states if self.mode == "LSTM" else states[0]

    def _layers(self, x: Tensor, states: State, mask: Tensor | None) -> tuple[Tensor, State]:
        """Return the outputs (L, N, *) of the last layer and the last states."""
        last: list[State] = []
        count = 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for reverse in range(count):
                k = layer * count + reverse
                weights = {name.rpartition("_l")[0]: getattr(self, name) for name in self._all_weights[k]}
                names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
                ordered = [weights.get(name) for name in names]
                output, state = recurrence(self.mode, x, tuple(s[k] for s in states), ordered, mask, bool(reverse))
                outputs.append(output)
                last.append(state)
            x = cat(outputs, -1) if count > 1 else outputs[0]
        return x, tuple(stack(parts) for parts in zip(*last, strict=True))

    def _check_input(self, data: Tensor, packed: bool) -> None:
        """Raise ValueError for another rank or dtype, RuntimeError for another extent."""
        kind = self.mode.partition("_")[0]
        if packed and data.dim() != 2:
            raise located(RuntimeError(f"input must have 2 dimensions, got {data.dim()}"))
        if data.dim() not in (2, 3):
            raise located(ValueError(f"{kind}: Expected input to be 2D or 3D, got {data.dim()}D instead"))
        own = self.weight_ih_l0.dtype
        if data.dtype != own:
            raise located(ValueError(f"RNN input dtype ({data.dtype}) does not match weight dtype ({own})."))
        if data.shape[-1] != self.input_size:
            got = f"Expected {self.input_size}, got {data.shape[-1]}"
            raise located(RuntimeError(f"input.size(-1) must be equal to input_size. {got}"))

    def zero_states(self, batch: int, like: Tensor) -> State:
        """Return zeros as the first states.

        Args:
            batch: extent N.
            like: tensor whose dtype they have.

        Returns:
            Tuple of tensors (directions * num_layers, N, *): the hidden state, of an LSTM the cell state too.
        """
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = [self.proj_size or self.hidden_size] + [self.hidden_size] * (self.mode == "LSTM")
        return tuple(zeros((count, batch, width), dtype=like.dtype) for width in widths)


def _valid(packed: PackedSequence, steps: int) -> Tensor:
    """Return the bool mask (L, N, 1) of the items of packed sequences."""
    lengths = lengths_of(packed)
    return tensor([[[n > step] for n in lengths] for step in range(steps)])


class RNN(RNNBase):
    """Run an Elman network over sequences: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        num_layers: number of layers; each takes the hidden states of the one before.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: whether the batch is the first axis of input and output; states have it second.
        dropout: probability with which elements between layers are set to 0 in training.
        bidirectional: whether a second recurrence runs backwards; the hidden states of both are joined.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (L, N, input_size), (N, L, input_size) with batch_first, or a PackedSequence; states: (D * num_layers, N,
        hidden_size) with D directions. Output: (L, N, D * hidden_size) or alike, and the last states.

    Raises:
        ValueError: if nonlinearity is another word, or a number is out of range.
        TypeError: if an argument has another type.

    Example:
        >>> output, h = nn.RNN(3, 4, num_layers=2)(graphc.ones(5, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Run a long short-term memory over sequences.

    `nn.LSTMCell` has the formulas of a step. Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden and of the cell state.
        num_layers: number of layers; each takes the hidden states of the one before.
        bias: whether there are biases.
        batch_first: whether the batch is the first axis of input and output; states have it second.
        dropout: probability with which elements between layers are set to 0 in training.
        bidirectional: whether a second recurrence runs backwards; the hidden states of both are joined.
        proj_size: extent P to which the hidden state is projected, below hidden_size; 0 for none, where P is hidden_size.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (L, N, input_size), (N, L, input_size) with batch_first, or a PackedSequence; states: (D * num_layers, N, P) and
        (D * num_layers, N, hidden_size) with D directions. Output: (L, N, D * P) or alike, and the pair of last states.

    Raises:
        ValueError: if a number is out of range.
        TypeError: if an argument has another type.

    Example:
        >>> output, (h, c) = nn.LSTM(3, 4, bidirectional=True)(graphc.ones(5, 2, 3))
        >>> output.shape, h.shape, c.shape
        (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)
        super().__init__("LSTM", input_size, hidden_size, *options)


class GRU(RNNBase):
    """Run a gated recurrent unit over sequences.

    `nn.GRUCell` has the formulas of a step. Source: Cho et al., "Learning phrase representations using RNN encoder-decoder"
    (2014).

    Args:
        input_size: extent of an item.
        hidden_size: extent of the hidden state.
        num_layers: number of layers; each takes the hidden states of the one before.
        bias: whether there are biases.
        batch_first: whether the batch is the first axis of input and output; states have it second.
        dropout: probability with which elements between layers are set to 0 in training.
        bidirectional: whether a second recurrence runs backwards; the hidden states of both are joined.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (L, N, input_size), (N, L, input_size) with batch_first, or a PackedSequence; states: (D * num_layers, N,
        hidden_size) with D directions. Output: (L, N, D * hidden_size) or alike, and the last states.

    Raises:
        ValueError: if a number is out of range.
        TypeError: if an argument has another type.

    Example:
        >>> output, h = nn.GRU(3, 4, batch_first=True)(graphc.ones(2, 5, 3))
        >>> output.shape, h.shape
        (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__("GRU", input_size, hidden_size, *options)
