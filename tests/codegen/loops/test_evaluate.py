"""Loop kernels run on NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.loops.evaluate import KernelError, Memory, evaluate_kernel
from graphc.codegen.loops.lower import Operand, lower_copy
from tests.codegen.validation import numbers, param


def test_a_kernel_runs_on_memory():
    x = param(3, 4)
    kernel = lower_copy(x, Operand((1, 3)), Operand((4, 1)), "copy")
    array = numbers(3, 4)
    source, target = Memory.of(array, (1, 3)), Memory.reserve(array.dtype, (3, 4), (4, 1))
    evaluate_kernel(kernel, [source, target])
    np.testing.assert_array_equal(target.view((3, 4), (4, 1)), array)


def test_what_a_kernel_does_not_write_is_poison():
    memory = Memory.reserve(np.dtype(np.float32), (3,), (2,))
    assert np.isnan(memory.flat).all() and memory.flat.size == 5
    with pytest.raises(KernelError, match="reaches element"):
        memory.view((3,), (3,))


def test_reversed_memory_begins_before_its_first_element():
    memory = Memory.of(np.arange(4.0), (-2,))
    assert memory.flat[::2].tolist() == [3.0, 2.0, 1.0, 0.0]
    assert memory.view((2,), (-4,)).tolist() == [0.0, 2.0]
