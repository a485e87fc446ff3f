"""Operations that change shape or order, against NumPy: values, and which results share memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch

X = np.arange(24.0).reshape(2, 3, 4)
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {
    "permute": (lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1)),
    "transpose": (lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, 2)),
    "movedim": (lambda x: torch.movedim(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "several axes moved": (lambda x: torch.movedim(x, (0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0))),
    "mT": (lambda x: x.mT, lambda x: x.swapaxes(-1, -2)),
    "flip": (lambda x: x.flip(0, 2), lambda x: x[::-1, :, ::-1]),
    "fliplr": (lambda x: torch.fliplr(x), lambda x: x[:, ::-1]),
    "flipud": (lambda x: torch.flipud(x), lambda x: x[::-1]),
    "rot90": (lambda x: torch.rot90(x), lambda x: np.rot90(x)),
    "rot90 backwards": (lambda x: torch.rot90(x, -1, (1, 2)), lambda x: np.rot90(x, -1, (1, 2))),
    "rot90 five times": (lambda x: torch.rot90(x, 5, (0, 2)), lambda x: np.rot90(x, 5, (0, 2))),
    "roll": (lambda x: x.roll(1), lambda x: np.roll(x, 1)),
    "roll along axes": (lambda x: x.roll((1, -3), (0, 2)), lambda x: np.roll(x, (1, -3), (0, 2))),
    "roll by more than the extent": (lambda x: x.roll(9, 2), lambda x: np.roll(x, 9, 2)),
    "reshape": (lambda x: x.reshape(4, -1), lambda x: x.reshape(4, 6)),
    "flatten": (lambda x: x.flatten(1), lambda x: x.reshape(2, 12)),
    "flatten from the end": (lambda x: x.flatten(-3, -2), lambda x: x.reshape(6, 4)),
    "unflatten": (lambda x: x.unflatten(2, (2, -1)), lambda x: x.reshape(2, 3, 2, 2)),
    "ravel": (lambda x: x.ravel(), lambda x: x.ravel()),
    "unsqueeze": (lambda x: x.unsqueeze(1), lambda x: x[:, None]),
    "unsqueeze at the end": (lambda x: x.unsqueeze(-1), lambda x: x[..., None]),
    "squeeze": (lambda x: x[:1].squeeze(), lambda x: x[0]),
    "squeeze an axis that is longer": (lambda x: x.squeeze(0), lambda x: x),
    "diagonal": (lambda x: x.diagonal(1, 1, 2), lambda x: np.diagonal(x, 1, 1, 2)),
    "diagonal below": (lambda x: x.diagonal(-1), lambda x: np.diagonal(x, -1)),
    "diag of a matrix": (lambda x: torch.diag(x[0], 1), lambda x: np.diag(x[0], 1)),
    "diag of a vector": (lambda x: torch.diag(x[0, 0], -1), lambda x: np.diag(x[0, 0], -1)),
    "diag_embed": (lambda x: torch.diag_embed(x[0, 0], 1), lambda x: np.diag(x[0, 0], 1)),
    "tril": (lambda x: x.tril(-1), lambda x: np.tril(x, -1)),
    "triu": (lambda x: x.triu(1), lambda x: np.triu(x, 1)),
    "cat": (lambda x: torch.cat((x, x[:, :1]), 1), lambda x: np.concatenate((x, x[:, :1]), 1)),
    "stack": (lambda x: torch.stack((x[0], x[1]), -1), lambda x: np.stack((x[0], x[1]), -1)),
    "hstack": (lambda x: torch.hstack((x, x)), lambda x: np.hstack((x, x))),
    "vstack": (lambda x: torch.vstack((x[0, 0], x[1, 0])), lambda x: np.vstack((x[0, 0], x[1, 0]))),
    "dstack": (lambda x: torch.dstack((x[0], x[1])), lambda x: np.dstack((x[0], x[1]))),
    "atleast_3d": (lambda x: torch.atleast_3d(x[0]), lambda x: np.atleast_3d(x[0])),
    "atleast_2d": (lambda x: torch.atleast_2d(x[0, 0]), lambda x: np.atleast_2d(x[0, 0])),
    "atleast_1d": (lambda x: torch.atleast_1d(x[0, 0, 0]), lambda x: np.atleast_1d(x[0, 0, 0])),
    "expand": (lambda x: x[:1].expand(5, -1, 4), lambda x: np.broadcast_to(x[:1], (5, 3, 4))),
    "broadcast_to": (lambda x: torch.broadcast_to(x[0, 0], (2, 4)), lambda x: np.broadcast_to(x[0, 0], (2, 4))),
    "repeat": (lambda x: x[0].repeat(2, 1, 3), lambda x: np.tile(x[0], (2, 1, 3))),
    "tile": (lambda x: torch.tile(x, (2,)), lambda x: np.tile(x, (2,))),
    "repeat_interleave": (lambda x: torch.repeat_interleave(x, 2, 1), lambda x: np.repeat(x, 2, 1)),
    "repeat_interleave of all": (lambda x: torch.repeat_interleave(x, 3), lambda x: np.repeat(x, 3)),
    "narrow": (lambda x: x.narrow(1, 1, 2), lambda x: x[:, 1:3]),
    "select": (lambda x: x.select(2, -1), lambda x: x[..., -1]),
    "unfold": (lambda x: x.unfold(2, 3, 1), lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, 2)),
    "unfold by steps": (lambda x: x.unfold(2, 2, 2), lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 2)[:, :, ::2]),
    "constant padding": (
        lambda x: torch.constant_pad_nd(x, (1, 0, 0, 2), 7.0), lambda x: np.pad(x, ((0, 0), (0, 2), (1, 0)), constant_values=7),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_are_numpys(run: Any, name: str) -> None:
    ours, numpys = CASES[name]
    got = run(ours)(torch.tensor(X))
    np.testing.assert_array_equal(got.numpy(), numpys(X))


PARTS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {
    "split": (lambda x: x.split(3, 2), lambda x: np.split(x, [3], 2)),
    "split by sizes": (lambda x: torch.split_with_sizes(x, (1, 3), 2), lambda x: np.split(x, [1], 2)),
    "chunk": (lambda x: x.chunk(2, 1), lambda x: np.split(x, [2], 1)),
    "unbind": (lambda x: x.unbind(1), lambda x: [x[:, i] for i in range(3)]),
    "meshgrid": (
        lambda x: torch.meshgrid(x[0, 0], x[1, 0, :2], indexing="xy"),
        lambda x: np.meshgrid(x[0, 0], x[1, 0, :2], indexing="xy"),
    ),
    "broadcast_tensors": (
        lambda x: torch.broadcast_tensors(x[0], x[1, :1]), lambda x: np.broadcast_arrays(x[0], x[1, :1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_numpys(run: Any, name: str) -> None:
    ours, numpys = PARTS[name]
    got, expected = run(ours)(torch.tensor(X)), numpys(X)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


@pytest.mark.parametrize("name", ["permute", "transpose", "unsqueeze", "squeeze", "narrow", "select", "flatten"])
def test_views_write_to_their_base(name: str) -> None:
    x = torch.tensor(X)
    CASES[name][0](x).fill_(-1.0)
    y = X.copy()
    CASES[name][1](y)[...] = -1
    np.testing.assert_array_equal(x.numpy(), y)


@pytest.mark.parametrize("name", ["flip", "roll", "repeat", "tril", "cat", "repeat_interleave"])
def test_copies_do_not(name: str) -> None:
    x = torch.tensor(X)
    CASES[name][0](x).fill_(-1.0)
    np.testing.assert_array_equal(x.numpy(), X)


def test_select_at_an_index_that_is_not_known(run: Any) -> None:
    at = run(lambda x, i: torch.select(x, 1, i))
    for i in (-1, 2, 0, -3):
        assert at(torch.tensor(X), torch.tensor(i)).tolist() == X[:, i].tolist()
