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
    ("F.relu(ones(2).numpy(), inplace=True)", TypeError, "relu() expected a Tensor to write to, got ndarray"),
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
    ("F.one_hot(tensor([1.5]))", RuntimeError, "only applicable to index tensor"),
    ("F.conv2d(ones(1, 1, 4, 4), tensor(1.0))", RuntimeError, "weight of 4 axes"),
    ("F.bilinear(ones(2, 3), ones(3, 4), ones(5, 3, 4))", RuntimeError, "do not match at dim 0: got 2 and 3"),
    ("F.bilinear(ones(2, 3), ones(2, 4), ones(3, 4))", RuntimeError, "a weight of three axes"),
    ("F.bilinear(ones(2, 3), ones(2, 1), ones(5, 3, 4))", RuntimeError, "input2 size does not match"),
    ("F.bilinear(ones(2, 3), ones(2, 4), ones(5, 3, 4), ones(1))", RuntimeError, "bias size does not match"),
    ("g.inner(ones(2, 3), ones(2, 4))", RuntimeError, "last dimension must match"),
    ("g.inner(ones(3), ones(1))", RuntimeError, "last dimension must match"),
    ("g.tensordot(ones(2, 3), ones(4, 2), 1)", RuntimeError, "first has size 3 in dim 1 and second has size 4 in dim 0"),
    ("g.tensordot(ones(2), ones(2), 2)", RuntimeError, "but got dims=2"),
    ("g.tensordot(ones(2), ones(2), -1)", RuntimeError, "dims >= 0, but got dims=-1"),
    ("g.tensordot(ones(2, 2), ones(2, 2), ([0, -2], [0, 1]))", RuntimeError, "dim 0 appears multiple times"),
    ("g.tensordot(ones(2, 2), ones(2, 2), ([0, 1], [0]))", RuntimeError, "should have same length"),
    ("F.glu(tensor(1.0))", RuntimeError, "glu does not support scalars"),
    ("F.softsign(tensor([True]))", NotImplementedError, "not implemented for 'Bool'"),
    ("F.prelu(ones(2, 3), ones(2))", RuntimeError, "parameter numbers = 2 and channel size = 3"),
    ("F.prelu(ones(3), ones(3))", RuntimeError, "parameter numbers = 3 and channel size = 1"),
    ("F.prelu(ones(2, 3), ones(1, 3))", RuntimeError, "ndim = 2"),
    ("F.prelu(tensor(1.0), ones(2))", RuntimeError, "zero-dim input"),
    ("F.prelu(tensor([[1]]), tensor([1]))", NotImplementedError, "not implemented for 'Long'"),
    ("F.prelu(ones(2, 3), ones(1, dtype=g.float64))", RuntimeError, "Type promoting not supported"),
    ("F.layer_norm(ones(2, 3), (3,), ones(1))", RuntimeError, "weight to be of same shape as normalized_shape"),
    ("F.layer_norm(ones(2, 3), (3,), ones(3), ones(2))", RuntimeError, "bias to be of same shape as normalized_shape"),
    ("F.rms_norm(ones(2, 3), (3,), ones(2))", RuntimeError, "weight to be of same shape as normalized_shape"),
    ("F.group_norm(ones(4), 2)", RuntimeError, "at least 2 dimensions"),
    ("F.group_norm(ones(2, 4), 0)", RuntimeError, "greater than 0"),
    ("F.group_norm(ones(2, 4), 2, ones(3))", RuntimeError, "weight should contain 4 elements not 3"),
    ("F.batch_norm(ones(2, 3), ones(2), ones(3))", RuntimeError, "running_mean should contain 3 elements not 2"),
    ("F.batch_norm(ones(2, 3), ones(3), ones(2), training=True)", RuntimeError, "running_var should contain 3 elements not 2"),
    ("F.batch_norm(ones(2, 3), ones(3), ones(3), ones(1))", RuntimeError, "weight should contain 3 elements not 1"),
    ("F.batch_norm(ones(2, 3), None, None, None, ones(2), True)", RuntimeError, "bias should contain 3 elements not 2"),
    ("F.batch_norm(ones(2, 3), None, ones(3))", RuntimeError, "running_mean must be defined in evaluation mode"),
    ("F.batch_norm(ones(3), ones(3), ones(3))", RuntimeError, "should contain 0 elements not 3"),
    ("F.instance_norm(ones(2, 3, 4), ones(2), ones(3))", RuntimeError, "running_mean should contain 3 elements not 2"),
    ("F.instance_norm(ones(2, 3, 4), use_input_stats=False)", RuntimeError, "when use_input_stats is false"),
    ("F.instance_norm(ones(2, 3, 1))", ValueError, "more than 1 spatial element"),
    ("F.scaled_dot_product_attention(ones(2, 4, 8), ones(2, 4, 6), ones(2, 4, 6))", RuntimeError, "key (…, S, E)"),
    ("F.scaled_dot_product_attention(ones(2, 4, 8), ones(2, 5, 8), ones(2, 4, 8))", RuntimeError, "value (…, S, V)"),
    ("F.scaled_dot_product_attention(ones(8), ones(8), ones(8))", RuntimeError, "at least 2 dimensional"),
    (
        "F.scaled_dot_product_attention(ones(2, 8), ones(2, 8, dtype=g.float64), ones(2, 8))",
        RuntimeError,
        "key.dtype: double",
    ),
    (
        "F.scaled_dot_product_attention(ones(3, 4, 8), ones(2, 4, 8), ones(2, 4, 8), enable_gqa=True)",
        RuntimeError,
        "Number of heads in key and value must divide",
    ),
    *[
        (call, RuntimeError, "Trying to create tensor with negative dimension -1")
        for call in (
            "g.rand(-1)", "g.randn(2, -1)", "g.randint(3, (-1,))", "g.randperm(-1)", "g.zeros(-1)", "g.ones(2, -1)",
            "g.full((-1,), 2)", "g.empty(-1)", "g.tile(ones(2), (-1,))", "ones(2).repeat(-1)",
        )
    ],
    ("g.linspace(0, 1, -1)", RuntimeError, "number of steps must be non-negative"),
    ("g.logspace(0, 1, -1)", RuntimeError, "number of steps must be non-negative"),
    ("g.nanmean(tensor([1]))", RuntimeError, "but got Long"),
    ("g.nanmean(tensor([True]))", RuntimeError, "but got Bool"),
    ("g.fliplr(ones(2))", RuntimeError, "Input must be >= 2-d."),
    ("g.flipud(tensor(1.0))", RuntimeError, "Input must be >= 1-d."),
    ("g.movedim(ones(2, 3, 4), (0, 0), (1, 2))", RuntimeError, "repeated dim in `source` ([0, 0])"),
    ("g.movedim(ones(2, 3, 4), (0, 1), (2, -1))", RuntimeError, "repeated dim in `destination` ([2, -1])"),
    ("g.bincount(tensor([1, 2]), ones(3))", RuntimeError, "weights should be 1-d"),
    ("g.bincount(tensor([1, 2]), ones(2, 1))", RuntimeError, "weights should be 1-d"),
    ("g.index_copy(ones(3), 0, tensor([0]), ones(1, dtype=g.float64))", RuntimeError, "(self) Float and (source) Double"),
    ("g.index_add(ones(3), 0, tensor([0]), ones(1, dtype=g.float64))", RuntimeError, "self (Float) and source (Double)"),
    ("g.take(ones(3), tensor([1.5]))", RuntimeError, "Expected a long tensor for index, but got Float"),
    ("g.take_along_dim(ones(3), tensor([True]))", RuntimeError, "Expected dtype int32/int64"),
    ("g.take_along_dim(ones(2, 3), tensor([1]), 1)", RuntimeError, "same number of dimensions"),
    ("g.index_fill(ones(3), 0, tensor([0]), ones(2))", RuntimeError, "0-dimensional value tensor"),
    ("g.roll(ones(2, 3), (1, 2))", RuntimeError, "shifts: 2, dims:0"),
    ("g.diag_embed(tensor(1.0))", IndexError, "Dimension out of range"),
    ("g.argmax(tensor(1.0), 1)", IndexError, "Dimension out of range"),
    ("F.hardtanh(ones(2), 1.5)", ValueError, "min_val cannot be greater than max_val"),
    ("F.softshrink(ones(2), -1)", RuntimeError, "greater or equal to 0"),
    ("F.celu(ones(2), 0)", RuntimeError, "alpha cannot be 0"),
    ("g.cdist(ones(2, 3), ones(2, 1))", RuntimeError, "same number of columns. X1: 3 X2: 1"),
    ("g.cdist(ones(2, 3), ones(3))", RuntimeError, "X2 got: 1D"),
    ("linalg.norm(tensor(1.0), 1)", RuntimeError, "the input must be 1D or 2D. Got 0D."),
    ("linalg.norm(ones(3), 'fro')", RuntimeError, "at least 2 dimensions"),
    ("linalg.norm(ones(3, 3), 'fro', 0)", RuntimeError, "dim must be a 2-tuple. Got 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), [*WRONG_NUMBERS, *BROKEN_RULES])
def test_what_torch_refuses(call: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)) as found:
        eval(call, NAMES)
    assert found.type is error
    assert "  at " in str(found.value) or call.startswith("nn.Threshold")


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


def test_tensordot_broadcasts_an_extent_of_one() -> None:
    a, b = graphc.arange(6.0).reshape(2, 3), graphc.tensor([[2.0, 3.0]])
    assert graphc.tensordot(a, b, 1).tolist() == [[6, 9], [24, 36]]
    assert graphc.tensordot(b.T, a, ([1], [0])).tolist() == [[6, 10, 14], [9, 15, 21]]
    assert graphc.tensordot(a, graphc.ones(2, 1), 2).item() == 15


def test_kron_of_bools() -> None:
    a, b = graphc.tensor([True, False]), graphc.tensor([False, True])
    assert graphc.kron(a, b).tolist() == [False, True, False, False]


def test_total_norm_of_nothing() -> None:
    assert graphc.nn.utils.get_total_norm([]).item() == 0


@pytest.mark.parametrize("wrap", [lambda f: f, graphc.compile], ids=["eager", "compiled"])
def test_instance_norm_moves_running_statistics(wrap: Any) -> None:
    x = graphc.arange(12.0).reshape(2, 2, 3) ** 2
    mean, var = graphc.zeros(2), graphc.ones(2)
    wrap(lambda x: F.instance_norm(x, mean, var, momentum=0.25))(x)
    # by torch 2.13
    assert mean.tolist() == pytest.approx([6.4166670, 14.6666660], rel=1e-6)
    assert var.tolist() == pytest.approx([25.8333340, 58.8333359], rel=1e-6)


def test_nan_check_counts_each_kind() -> None:
    checked = graphc.compile(lambda x: x.log(), check_nan=True)
    with pytest.raises(FloatingPointError, match="NaN in 1 and infinity in 2 of 3 elements"):
        checked(graphc.tensor([0.0, -1.0, 0.0]))
    with pytest.raises(FloatingPointError, match="got infinity in 1 of 2 elements"):
        checked(graphc.tensor([0.0, 1.0]))
