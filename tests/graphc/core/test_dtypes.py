"""Dtypes, shapes and their limits."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import graphc as torch


def test_dtypes_and_shapes_print_as_in_torch() -> None:
    x = torch.ones(2, 3)
    assert repr(x.dtype) == "torch.float32" and repr(x.shape) == "torch.Size([2, 3])"
    assert x.shape == (2, 3) and x.shape[1:] == (3,) and x.shape.numel() == 6 and repr(x.shape[:1]) == "torch.Size([2])"
    assert (x.ndim, x.dim(), x.size(-1), x.numel(), x.element_size(), x.nbytes) == (2, 2, 3, 6, 4, 24)
    assert str(x.device) == "cpu" and x.stride() == (3, 1) and x.T.stride() == (1, 3) and not x.T.is_contiguous()


def test_size_indexing_out_of_range_is_an_index_error() -> None:
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 5\)"):
        torch.ones(2, 2).size(5)


def test_limits_of_dtypes():
    assert torch.finfo(torch.float32).eps == np.finfo(np.float32).eps and torch.finfo().max == np.finfo(np.float32).max
    assert torch.iinfo(torch.uint8).max == 255 and torch.iinfo(torch.int64).min == -(2**63)
    with pytest.raises(TypeError, match="floating point input type"):
        torch.finfo(torch.int32)
    with pytest.raises(TypeError, match="integer input type"):
        torch.iinfo(torch.float64)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_dtypes_are_pickled_by_name(protocol: int) -> None:
    for dtype in (torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8, torch.bool):
        assert pickle.loads(pickle.dumps(dtype, protocol)) is dtype
        assert copy.deepcopy(dtype) is dtype
