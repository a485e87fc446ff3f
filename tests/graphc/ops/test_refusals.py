"""Operands that torch refuses: the exception is torch's, its message names the rule, and no number comes out."""

import re
from typing import Any

import pytest

import graphc
from graphc.nn import functional as F

NAMES = {"g": graphc, "F": F, "linalg": graphc.linalg, "nn": graphc.nn, "ones": graphc.ones, "tensor": graphc.tensor}

WRONG_NUMBERS = [
    ("g.einsum('ii', ones(2, 3))", RuntimeError, "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
    ("g.einsum('ii->i', ones(2, 3))", RuntimeError, "subscript i is repeated"),
    ("g.einsum('jk,iji->k', ones(2, 3), ones(3, 2, 1))", RuntimeError, "subscript i is repeated for operand 1"),
    ("g.einsum('ii->ii', ones(3, 3))", RuntimeError, "output subscript i appears more than once"),
    ("linalg.matrix_norm(ones(2, 3), 1, dim=(0, 5))", IndexError, "Dimension out of range"),
    ("linalg.matrix_norm(ones(2, 3), float('inf'), dim=(-3, 0))", IndexError, "Dimension out of range"),
    ("linalg.norm(ones(2, 3), 1, dim=(0, 5))", IndexError, "Dimension out of range"),
    ("linalg.matrix_norm(ones(2, 3), 1, dim=(0, -2))", RuntimeError, "dims must be different"),
    ("linalg.matrix_norm(ones(2, 2, 2), 'fro', dim=(0, 1, 2))", RuntimeError, "dim must be a 2-tuple"),
    ("linalg.matrix_power(ones(2, 3), 0)", RuntimeError, "they are 2 by 3 matrices"),
    ("linalg.matrix_power(ones(2, 3), 1)", RuntimeError, "they are 2 by 3 matrices"),
    ("linalg.matrix_power(ones(2, 3), 2)", RuntimeError, "they are 2 by 3 matrices"),
    ("linalg.matrix_power(ones(3), 1)", RuntimeError, "at least 2 dimensions"),
    ("linalg.multi_dot(ones(2, 2))", TypeError, "must be tuple of Tensors, not Tensor"),
    ("linalg.multi_dot([ones(2, 2)])", RuntimeError, "at least 2 tensors but got 1"),
    ("linalg.multi_dot([])", RuntimeError, "at least 2 tensors but got 0"),
    ("linalg.multi_dot([ones(2, 2), ones(2), ones(2, 2)])", RuntimeError, "tensor 1 must be 2D but got 1D"),
    ("linalg.cross(ones(3), ones(2, 3))", RuntimeError, "same number of dimensions"),
    ("linalg.cross(ones(2, 3), ones(2, 1))", RuntimeError, "must have length 3. Got 3 and 1"),
    ("g.round(tensor([15]), decimals=-1)", NotImplementedError, "\"round_cpu\" not implemented for 'Long'"),
    ("g.round(tensor([True]), decimals=2)", NotImplementedError, "not implemented for 'Bool'"),
    ("g.masked_select(ones(3), tensor([0, 1, 1]))", RuntimeError, "expected BoolTensor for mask"),
    ("g.masked_select(ones(3), tensor([0.0, 1.0, 1.0]))", RuntimeError, "expected BoolTensor for mask"),
    ("F.dropout(tensor([1, 1, 1]))", RuntimeError, "result type Float can't be cast to the desired output type Long"),
    ("F.dropout(tensor([True]), inplace=True)", RuntimeError, "desired output type Bool"),
    ("F.dropout2d(ones(2, 2, 2, dtype=g.int64))", RuntimeError, "desired output type Long"),
    ("nn.Threshold()", TypeError, "threshold"),
    ("nn.Threshold(1.0)", TypeError, "value"),
    ("F.conv1d(ones(1, 1, 4), ones(1, 1, 2, 2))", RuntimeError, "weight of 3 axes for conv1d"),
    ("F.conv2d(ones(1, 1, 4), ones(1, 1, 2))", RuntimeError, "weight of 4 axes for conv2d"),
    ("F.conv2d(ones(1, 4, 4, 4), ones(1, 1, 2, 2, 2))", RuntimeError, "weight of 4 axes for conv2d"),
    ("F.conv3d(ones(1, 1, 4, 4), ones(1, 1, 2, 2))", RuntimeError, "weight of 5 axes for conv3d"),
    ("F.conv_transpose2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2, 2))", RuntimeError, "weight of 4 axes"),
    ("F.conv_transpose1d(ones(1, 1, 4), tensor(1.0))", RuntimeError, "weight of 3 axes"),
    ("g.rot90(ones(2, 2), dims=(0, 0))", RuntimeError, "expected rotation dims to be different"),
    ("g.rot90(ones(2, 2), dims=(0, -2))", RuntimeError, "expected rotation dims to be different"),
    ("g.rot90(ones(2, 2), dims=(0,))", RuntimeError, "expected total rotation dims == 2"),
    ("g.rot90(ones(2))", RuntimeError, "expected total dims >= 2"),
]

BROKEN_RULES = [
    ("g.frac(tensor([1]))", NotImplementedError, "\"frac\" not implemented for 'Long'"),
    *[
        (f"{name}(tensor([True]), tensor([True]))", NotImplementedError, "not implemented for 'Bool'")
        for name in ("g.remainder", "g.floor_divide", "g.dot", "linalg.vecdot")
    ],
    ("g.mv(tensor([[True]]), tensor([True]))", NotImplementedError, "\"mv\" not implemented for 'Bool'"),
    *[
        (f"F.{name}(tensor([1, 2]))", NotImplementedError, "not implemented for 'Long'")
        for name in ("elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "logsigmoid", "hardswish", "hardsigmoid", "glu")
    ],
    ("F.mse_loss(tensor([1]), tensor([1]))", NotImplementedError, "\"mse_loss\" not implemented for 'Long'"),
    ("F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), ones(3))", RuntimeError, "bias to be 1-dimensional with 1 elements"),
    ("F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 2, 2), ones(1, 1))", RuntimeError, "got bias of size [1, 1]"),
    ("F.conv1d(ones(1, 1, 4), ones(1, 1, 2, dtype=g.float64))", RuntimeError, "Input type (float) and weight type (double)"),
    ("F.conv1d(ones(1, 1, 4), ones(1, 1, 2), ones(1, dtype=g.float64))", RuntimeError, "bias type (double)"),
    ("F.conv_transpose1d(ones(1, 2, 4), ones(2, 2, 2), ones(2), groups=2)", RuntimeError, "with 4 elements"),
    ("linalg.norm(tensor(1.0), 1)", RuntimeError, "the input must be 1D or 2D. Got 0D."),
    ("linalg.norm(ones(3), 'fro')", RuntimeError, "at least 2 dimensions"),
    ("linalg.norm(ones(3, 3), 'fro', 0)", RuntimeError, "dim must be a 2-tuple. Got 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), [*WRONG_NUMBERS, *BROKEN_RULES])
def test_what_torch_refuses(call: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)) as found:
        eval(call, NAMES)
    assert found.type is error
    assert "  at " in str(found.value) or error is TypeError


def test_refused_at_the_line_of_the_user_when_compiled() -> None:
    @graphc.compile
    def f(x: Any) -> Any:
        return F.silu(x)

    with pytest.raises(NotImplementedError, match=r"\"silu\" not implemented for 'Long'\n  at .*test_refusals.py:\d+: return"):
        f(graphc.tensor([1]))


def test_accepted_beside_what_is_refused() -> None:
    x = graphc.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert graphc.einsum("ii", x).item() == 5
    assert graphc.linalg.matrix_norm(x, 1, dim=(-2, 1)).item() == 6
    assert graphc.linalg.matrix_power(graphc.ones(2, 2, dtype=graphc.bool), 0).tolist() == [[True, False], [False, True]]
    assert graphc.linalg.cross(graphc.ones(1, 3), graphc.ones(2, 3)).shape == (2, 3)
    assert graphc.round(graphc.tensor([15.0]), decimals=-1).tolist() == [20.0]
    assert graphc.masked_select(x, graphc.tensor(True)).tolist() == [1, 2, 3, 4]
    assert F.dropout(graphc.tensor([1, 2]), training=False).tolist() == [1, 2]
    assert F.dropout(graphc.tensor([1, 2]), 0.0).tolist() == [1, 2]
