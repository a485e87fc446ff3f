"""Queries about tensors and dtypes are torch's."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as G
from tests import parity

DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")


def test_dtypes() -> None:
    torch: Any = parity.torch()
    for a in DTYPES:
        assert G.is_signed(G.ones(2, dtype=getattr(G, a))) == torch.is_signed(torch.ones(2, dtype=getattr(torch, a)))
        for b in DTYPES:
            assert G.can_cast(getattr(G, a), getattr(G, b)) == torch.can_cast(getattr(torch, a), getattr(torch, b))


def test_tensors() -> None:
    x = G.ones(2)
    assert not any((G.is_complex(x), G.is_conj(x), x.is_neg(), G.is_inference(x)))
    assert G.is_nonzero(G.tensor(0.5)) and not G.tensor([0]).is_nonzero() and x.is_same_size(G.zeros(2))
    assert not G.is_same_size(x, G.ones(1, 2)) and x.is_signed()
    for bad in (G.ones(2), G.ones(0)):
        with pytest.raises(RuntimeError, match="ambiguous"):
            G.is_nonzero(bad)
