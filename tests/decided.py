"""Programs of which each has other decisions on its nodes: registers, lanes, updates in place, joins, packed factors."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as torch

__all__ = ["PROGRAMS", "states"]


def states(start: Any, w: Any) -> Any:
    return torch.scan(lambda c, _: ((c @ w).tanh(), c), start, None, length=50)


def counted(counts: Any, rows: Any) -> Any:
    return torch.scan(lambda c, row: (c.index_add(0, row.reshape(1), torch.ones(1)), None), counts, rows)[0]


def written(x: Any, i: Any) -> Any:
    """An array updated in place by a loop that is kernels."""

    def step(c: Any, _: Any) -> Any:
        return c.index_add(0, i, (c[:30] * 2).sin()), None

    return torch.scan(step, x, None, length=40)[0]


def recurrent(h: Any, w: Any, xs: Any) -> Any:
    """A loop of kernels with a captured matrix, and a concatenation of what two kernels make."""

    def step(h: Any, x: Any) -> Any:
        h = torch.tanh(x + h @ w)
        return h, h.sum(1)

    last, ys = torch.scan(step, h, xs)
    return torch.cat([last.exp().sum(0), (ys * ys).sum(0)])


F, D = np.float32, np.float64
PROGRAMS: dict[str, tuple[Any, list[tuple[tuple[int, ...], Any]], list[str]]] = {
    "states": (states, [((3, 3), D), ((3, 3), D)], ["registers=16, lanes=3, lane_axes=[[0,none],[0,1]]"]),
    "counted": (counted, [((1000,), F), ((50,), np.int64)], ["registers=16", "{in_place=0}"]),
    "written": (written, [((1000,), F), ((30,), np.int64)], ["{in_place=0}"]),
    "recurrent": (recurrent, [((20, 40), F), ((40, 40), F), ((9, 20, 40), F)], ["{packed=true}", "in_place=[0,1]"]),
}
