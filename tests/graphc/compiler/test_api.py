"""Copies and pickles of compiled functions."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import graphc as torch
from graphc import nn
from tests.graphc.compiler.guarded import X


@torch.compile
def known(x: Any) -> Any:
    """Doubles."""
    return x * 2


class Holder:
    k = 3.0

    @torch.compile
    def method(self, x: Any) -> Any:
        return x * self.k


def plain_function(x: Any) -> Any:
    return x + 1


def test_copies_and_pickles():
    assert copy.deepcopy(known)(X).tolist() == copy.copy(known)(X).tolist() == (X * 2).tolist()
    assert pickle.loads(pickle.dumps(known)) is known
    assert pickle.loads(pickle.dumps(Holder.method)) is Holder.method
    other = pickle.loads(pickle.dumps(torch.compile(plain_function, dynamic=False)))
    assert other(X).tolist() == (X + 1).tolist() and other._compiled_options.dynamic is False
    model = torch.compile(nn.Linear(3, 1))
    twin, loaded = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    model.weight.data.zero_()
    assert twin.weight.abs().sum() > 0 and loaded.weight.abs().sum() > 0 and model(X).tolist() == model.bias.tolist()
    h = Holder()
    assert h.method(X).tolist() == (X * 3).tolist()
    h.k = 4.0
    assert h.method(X).tolist() == (X * 4).tolist() and copy.deepcopy(h).method(X).tolist() == (X * 4).tolist()
    h.step = torch.compile(h.method)  # type: ignore[attr-defined]
    twin = copy.deepcopy(h)
    twin.k = 5.0
    assert twin.step(X).tolist() == (X * 5).tolist() and h.step(X).tolist() == (X * 4).tolist()  # type: ignore[attr-defined]
