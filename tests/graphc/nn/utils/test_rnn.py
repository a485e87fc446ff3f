"""Packing and padding of sequences, against torch where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn.utils import rnn
from tests import parity

X = np.arange(24.0).reshape(4, 3, 2)


def packed(library: Any, **options: Any) -> Any:
    return lambda x: library.nn.utils.rnn.pack_padded_sequence(x, library.tensor([4, 3, 1]), **options)


def test_packing() -> None:
    parity.assert_same(lambda library: lambda x: packed(library)(x)[:2], X, compiled=False)
    unsorted = rnn.pack_padded_sequence(G.tensor(X), [1, 4, 3], enforce_sorted=False)
    assert unsorted.sorted_indices.tolist() == [1, 2, 0] and unsorted.unsorted_indices.tolist() == [2, 0, 1]
    assert isinstance(unsorted, rnn.PackedSequence)
    assert unsorted.data[:, 0].tolist() == [2, 4, 0, 8, 10, 14, 16, 20] and unsorted.batch_sizes.tolist() == [3, 2, 2, 1]
    assert not unsorted.is_cuda and not unsorted.is_pinned() and unsorted.cpu() is unsorted
    assert unsorted.float().data.dtype is G.float32 and unsorted.float().double().data.dtype is G.float64
    assert unsorted.to(G.float32).data.dtype is G.float32


def test_unpacking_restores_the_order_and_pads() -> None:
    sequences = [G.tensor([1, 2]), G.tensor([3, 4, 5]), G.tensor([6])]
    back = rnn.pack_sequence(sequences, enforce_sorted=False)
    padded, lengths = rnn.pad_packed_sequence(back, batch_first=True, padding_value=-1, total_length=4)
    assert padded.tolist() == [[1, 2, -1, -1], [3, 4, 5, -1], [6, -1, -1, -1]] and lengths.tolist() == [2, 3, 1]
    assert [s.tolist() for s in rnn.unpack_sequence(back)] == [[1, 2], [3, 4, 5], [6]]
    assert [s.tolist() for s in rnn.unpad_sequence(padded, lengths, batch_first=True)] == [[1, 2], [3, 4, 5], [6]]
    assert rnn.invert_permutation(None) is None and rnn.invert_permutation(G.tensor([1, 2, 0])).tolist() == [2, 0, 1]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("first", [False, True])
def test_padding(side: str, first: bool) -> None:
    def call(library: Any) -> Any:
        return lambda *xs: library.nn.utils.rnn.pad_sequence(xs, first, 2.5, side)

    parity.assert_same(call, X[0], X[1, :1], X[2, :0])


def test_a_pack_is_differentiated() -> None:
    parity.assert_same(lambda lib: lambda x: lib.nn.utils.rnn.pad_packed_sequence(packed(lib)(x))[0].sin(), X)


@pytest.mark.parametrize("call", [
    lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(4, 2), [1, 3]),
    lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(4, 2), [1, 0]),
    lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(4, 2), [1]),
    lambda t: t.nn.utils.rnn.pad_sequence([]), lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2)], padding_side="top"),
    lambda t: t.nn.utils.rnn.pad_packed_sequence(t.nn.utils.rnn.pack_sequence([t.ones(3)]), total_length=2),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
