"""Views of a compiled function at every stage."""

from __future__ import annotations

import pytest

import graphc as torch
from graphc.tensors.tensor import Tensor


def test_lowered_shows_every_stage() -> None:
    w = torch.ones(3, requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        out = (x * w).sum()
        out.backward()
        return out

    low = torch.compile(loss).lower(torch.ones(3))
    assert w.grad is None
    captured, adjoint = low.ir("captured"), low.ir("adjoint")
    assert captured.startswith("graph loss(%x: f32[3]") and len(adjoint) > len(captured)
    assert low.stages[:7] == ["captured", "adjoint", "merged", "unrolled", "rematerialized", "hoisted", "optimized"] and all(
        low.ir(s) for s in low.stages if s not in ("mlir", "asm")
    )
    assert (
        "define" in low.llvm_ir(optimized=False)
        and low.graph().number_of_nodes() > 3
        and low.cost().kernels == len(low.kernels)
    )
    with pytest.raises(ValueError, match="stage is one of captured, adjoint"):
        low.ir("nothing")
