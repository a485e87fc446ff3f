"""How kernels load and store vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch


def heavy_sum(*arrays: Any) -> Any:
    total = arrays[0]
    for x in arrays[1:]:
        total = total + x
    return torch.sin(torch.exp(torch.tanh(total))) * torch.cos(total)


@pytest.mark.parametrize("count", [20, 40])
@pytest.mark.parametrize("extent", [96, 100, 7])
def test_a_kernel_of_many_arrays_has_no_branch_for_each_load(count: int, extent: int) -> None:
    rng = np.random.default_rng(count)
    arrays = [rng.standard_normal((30, extent)).astype(np.float32) for _ in range(count)]
    f = torch.compile(heavy_sum)
    total = np.sum(arrays, 0)
    np.testing.assert_allclose(f(*arrays), np.sin(np.exp(np.tanh(total))) * np.cos(total), rtol=1e-3, atol=1e-4)
    branches = f.lower(*arrays).llvm_ir(optimized=False).count("\nwhole.part")
    assert branches == (21 if count == 20 else 1)  # the last is that of the store
