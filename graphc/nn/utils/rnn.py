"""Sequences of different lengths, padded or packed, as in torch.nn.utils.rnn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphc.core.errors import guard_all as _guard_all
from graphc.core.errors import located
from graphc.ops.create.data import tensor
from graphc.ops.create.fill import full
from graphc.ops.shape.joining import cat, stack
from graphc.ops.shape.padding import constant_pad_nd
from graphc.tensors.tensor import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence",
    "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence(NamedTuple):
    """Hold sequences of different lengths without padding: the first items of all, then the second ones, and so on.

    `pack_padded_sequence` and `pack_sequence` build it, recurrent layers take and return it.

    Args:
        data: items (sum of the lengths, *), the longest sequence first at each step.
        batch_sizes: int64 vector: how many sequences have an item at each step.
        sorted_indices: int64 vector, which sequence stands at each place; None if they came sorted.
        unsorted_indices: int64 vector, the inverse of sorted_indices, or None.

    Example:
        >>> packed = nn.utils.rnn.pack_sequence([graphc.tensor([1, 2, 3]), graphc.tensor([4])])
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    @property
    def is_cuda(self) -> bool:
        """Return False: graphc computes on the CPU."""
        return False

    def is_pinned(self) -> bool:
        """Return False: there is no pinned memory."""
        return False

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Return the sequences with data converted as `Tensor.to` converts it.

        Args:
            *args: arguments of `Tensor.to`.
            **kwargs: arguments of `Tensor.to` by name.

        Returns:
            PackedSequence with the same lengths.
        """
        return self._replace(data=self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """Return the sequences, which are on the CPU."""
        return self

    def double(self) -> PackedSequence:
        """Return the sequences with data of dtype float64."""
        return self._replace(data=self.data.double())

    def float(self) -> PackedSequence:
        """Return the sequences with data of dtype float32."""
        return self._replace(data=self.data.float())


def lengths_of(sequence: PackedSequence) -> list[int]:
    """Return the lengths of packed sequences, the longest first."""
    sizes = sequence.batch_sizes.tolist()
    return [sum(n > i for n in sizes) for i in range(sizes[0] if sizes else 0)]


def packed_rows(batch_sizes: Sequence[int], width: int) -> Tensor:
    """Return the row of each packed item in padded sequences (steps, width, *) whose first two axes are joined."""
    return tensor([step * width + i for step, n in enumerate(batch_sizes) for i in range(n)])


def padded_rows(batch_sizes: Sequence[int]) -> Tensor:
    """Return for each element of (steps, batch) the row of its packed item; the number of all items where there is none."""
    total, width, start, rows = sum(batch_sizes), batch_sizes[0], 0, []
    for n in batch_sizes:
        rows += [start + i if i < n else total for i in range(width)]
        start += n
    return tensor(rows)


def pack_steps(padded: Tensor, batch_sizes: Sequence[int]) -> Tensor:
    """Return the items (sum of the lengths, *) of padded sequences (steps, batch, *)."""
    flat = padded[: len(batch_sizes)].flatten(0, 1)
    return flat.index_select(0, packed_rows(batch_sizes, padded.shape[1]))


def pad_steps(data: Tensor, batch_sizes: Sequence[int], padding_value: float) -> Tensor:
    """Return packed items as padded sequences (steps, batch, *)."""
    padding = full((1, *data.shape[1:]), padding_value, dtype=data.dtype)
    rows = cat([data, padding]).index_select(0, padded_rows(batch_sizes))
    return rows.unflatten(0, (len(batch_sizes), batch_sizes[0]))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes another one.

    Args:
        permutation: int64 vector of 0 to n - 1 in any order, or None.

    Returns:
        int64 vector, or None for None.

    Raises:
        TypeError: if permutation is neither a tensor nor None.

    Example:
        >>> nn.utils.rnn.invert_permutation(graphc.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    if not isinstance(permutation, Tensor):
        raise TypeError(f"invert_permutation(): expected a Tensor or None, got {type(permutation).__name__}")
    return permutation.argsort()


def _counts(lengths: Any, batch: int) -> list[int]:
    """Return the lengths of `batch` sequences as ints.  Raises RuntimeError."""
    counts = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    if len(counts) != batch:
        raise located(
            RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={batch})")
        )
    if any(n <= 0 for n in counts):
        raise located(
            RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
        )
    return counts


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """Pack padded sequences: leave out the padding.

    Args:
        input: tensor (L, N, *), or (N, L, *) with batch_first; sequence i has lengths[i] items, of at most L.
        lengths: list of N ints, or an integer vector whose values are known.
        batch_first: whether the batch is the first axis of input.
        enforce_sorted: whether the lengths must not increase; otherwise the sequences are sorted first.

    Returns:
        PackedSequence of input's dtype.

    Raises:
        RuntimeError: if there are not N lengths, one is not positive or above L, or they increase under enforce_sorted.

    Example:
        >>> padded = graphc.tensor([[1, 2, 0], [3, 4, 5]])
        >>> nn.utils.rnn.pack_padded_sequence(padded, [2, 3], batch_first=True, enforce_sorted=False).data
        tensor([3, 1, 4, 2, 5])
    """
    if input.dim() < 2:
        raise located(RuntimeError(f"expected padded sequences of at least two axes, got shape {list(input.shape)}"))
    padded = input.transpose(0, 1) if batch_first else input
    counts = _counts(lengths, padded.shape[1])
    order = sorted(range(len(counts)), key=lambda i: -counts[i])
    indices = None
    if not enforce_sorted:
        indices = tensor(order)
        padded, counts = padded.index_select(1, indices), [counts[i] for i in order]
    elif order != list(range(len(counts))):
        rule = "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True."
        raise located(RuntimeError(f"{rule} Pass `enforce_sorted=False` for lengths in another order."))
    if not counts or counts[0] > padded.shape[0]:
        got = f"lengths {counts} for sequences of {padded.shape[0]} items"
        raise located(RuntimeError(f"expected at least one length, and none above the extent of input, got {got}"))
    sizes = [sum(n > step for n in counts) for step in range(counts[0])]
    return PackedSequence(pack_steps(padded, sizes), tensor(sizes), indices, invert_permutation(indices))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad packed sequences, in the order in which they were packed.

    Args:
        sequence: PackedSequence.
        batch_first: whether the batch is the first axis of the result.
        padding_value: number after the end of shorter sequences.
        total_length: extent L of the result, at least the longest length, which it is by default.

    Returns:
        Pair of a tensor (L, N, *), or (N, L, *) with batch_first, and the int64 vector of the lengths.

    Raises:
        ValueError: if total_length is below the longest length.

    Example:
        >>> packed = nn.utils.rnn.pack_sequence([graphc.tensor([1, 2, 3]), graphc.tensor([4])])
        >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        (tensor([[1, 2, 3],
                [4, 0, 0]]), tensor([3, 1]))
    """
    sizes = sequence.batch_sizes.tolist()
    padded = pad_steps(sequence.data, sizes, padding_value)
    if total_length is not None:
        if total_length < len(sizes):
            rule = "Expected total_length to be at least the length of the longest sequence in input"
            raise located(ValueError(f"{rule}, but got total_length={total_length} and max sequence length being {len(sizes)}"))
        padded = _extended(padded, total_length - len(sizes), padding_value)
    lengths = tensor(lengths_of(sequence))
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices)
    return padded.transpose(0, 1) if batch_first else padded, lengths


def _extended(x: Tensor, count: int, value: float, before: bool = False) -> Tensor:
    """Add `count` items of one value behind, or before, the first axis."""
    pads = [0, 0] * (x.dim() - 1) + ([count, 0] if before else [0, count])
    return constant_pad_nd(x, pads, value) if count else x


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right") -> Tensor:
    """Stack sequences of different lengths, with padding after the shorter ones.

    Args:
        sequences: list of tensors (L_i, *) with equal other extents, or one tensor (N, L, *).
        batch_first: whether the batch is the first axis of the result.
        padding_value: number to pad with.
        padding_side: "right" or "left".

    Returns:
        Tensor (L, N, *) of the longest length L, or (N, L, *) with batch_first.

    Raises:
        RuntimeError: if sequences is empty or neither a list, tuple nor tensor, extents differ, or padding_side is another
            word.

    Example:
        >>> nn.utils.rnn.pad_sequence([graphc.tensor([1, 2, 3]), graphc.tensor([4])], batch_first=True)
        tensor([[1, 2, 3],
                [4, 0, 0]])
    """
    if padding_side not in ("right", "left"):
        raise located(RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}."))
    if isinstance(sequences, (str, dict)) or not hasattr(sequences, "__iter__"):
        got = f"but got input of type: {type(sequences)}"
        raise located(RuntimeError(f"pad_sequence: Expected iterable for input sequences, {got}"))
    parts = list(sequences.unbind(0) if isinstance(sequences, Tensor) else sequences)
    if not parts or not all(isinstance(p, Tensor) and p.dim() for p in parts):
        raise located(RuntimeError("received an empty list of sequences, or something that is not a sequence of tensors"))
    longest = max(p.shape[0] for p in parts)
    padded = [_extended(p, longest - p.shape[0], padding_value, padding_side == "left") for p in parts]
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Split padded sequences, without their padding.

    Args:
        padded_sequences: tensor (L, N, *), or (N, L, *) with batch_first.
        lengths: integer vector or list of N lengths.
        batch_first: whether the batch is the first axis.

    Returns:
        List of N tensors (lengths[i], *).

    Raises:
        RuntimeError: if padded_sequences has fewer than two axes.

    Example:
        >>> nn.utils.rnn.unpad_sequence(graphc.tensor([[1, 2], [3, 0]]), [2, 1], batch_first=True)
        [tensor([1, 2]), tensor([3])]
    """
    if padded_sequences.dim() < 2:
        raise located(RuntimeError(f"expected padded sequences of at least two axes, got {list(padded_sequences.shape)}"))
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = lengths.tolist() if isinstance(lengths, Tensor) else lengths
    return [row[:n] for row, n in zip(rows.unbind(0), counts, strict=False)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Args:
        sequences: list of tensors (L_i, *) with equal other extents.
        enforce_sorted: whether the lengths must not increase; otherwise the sequences are sorted first.

    Returns:
        PackedSequence of their dtype.

    Raises:
        RuntimeError: if the lengths increase under enforce_sorted, one is 0, or sequences is not a list of tensors.

    Example:
        >>> nn.utils.rnn.pack_sequence([graphc.tensor([1, 2]), graphc.tensor([3])]).data
        tensor([1, 3, 2])
    """
    padded = pad_sequence(sequences)
    return pack_padded_sequence(padded, [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Split packed sequences, in the order in which they were packed.

    Args:
        packed_sequences: PackedSequence.

    Returns:
        List of tensors (L_i, *).

    Raises:
        TypeError: if packed_sequences is no PackedSequence.

    Example:
        >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([graphc.tensor([1, 2]), graphc.tensor([3])]))
        [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


_guard_all(globals(), __all__)
