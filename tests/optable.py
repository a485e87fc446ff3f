"""One table of operations, from which test_ops.py derives its tests.

A `Row` says how to call an operation on tensors, what NumPy gives for it, and which inputs it takes; `ERRORS`
what it must refuse, `SINGULAR` which gradient it has where the derivative does not exist, `DTYPES` what
becomes of element types.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as G
import graphc.nn.functional as F

INF, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class In:
    """An input: its shape, and numbers drawn from [low, high); integers below `high` for kind "int", or bools."""

    shape: tuple[int, ...] = (2, 3)
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"

    def draw(self, rng: np.random.Generator, dtype: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        shape = self.shape if shape is None else shape
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), shape)
        if self.kind == "bool":
            return rng.random(shape) < 0.5
        return rng.uniform(self.low, self.high, shape).astype(dtype)


@dataclass(frozen=True)
class Row:
    """An operation: `call` on tensors, `reference` on NumPy arrays, and its inputs.

    `smooth` says that finite differences hold at the drawn points; `twice` that they do for the gradient too;
    `elementwise` that any shape will do, zero-size and 0-d ones among them.
    """

    name: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[In, ...] = (In(),)
    smooth: bool = True
    twice: bool = True
    elementwise: bool = False
    tolerance: float = 1.0

    def draw(self, seed: int, dtype: str = "float64", shape: tuple[int, ...] | None = None) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [i.draw(rng, dtype, shape) for i in self.inputs]


ROWS: list[Row] = []


def row(name: str, call: Any, reference: Any, *inputs: In, **options: Any) -> None:
    ROWS.append(Row(name, call, reference, inputs or (In(),), **options))


def unary(name: str, reference: Any, low: float = -2.0, high: float = 2.0, call: Any = None, **options: Any) -> None:
    row(name, call or getattr(G, name), reference, In((2, 3), low, high), elementwise=True, **options)


def binary(name: str, reference: Any, x: In | None = None, y: In | None = None, **options: Any) -> None:
    row(name, getattr(G, name), reference, x or In(), y or In(), elementwise=True, **options)


POSITIVE, UNIT, APART = In(low=0.2, high=3.0), In(low=-0.9, high=0.9), In(low=3.0, high=5.0)
FLAT = {"smooth": False}

# -- elementwise ----------------------------------------------------------------------------------------

_erf = np.vectorize(math.erf, otypes=[np.float64])


_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def _digamma(x: Any) -> Any:
    x = np.asarray(x, np.float64)
    steps = sum(1 / (x + k) for k in range(1000))
    z = 1 / (x + 1000)
    return -np.log(z) - z / 2 - z * z / 12 + z**4 / 120 - steps


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


for _name, _reference, _low, _high in (
    ("exp", np.exp, -2, 2),
    ("exp2", np.exp2, -2, 2),
    ("expm1", np.expm1, -2, 2),
    ("log", np.log, 0.2, 3),
    ("log2", np.log2, 0.2, 3),
    ("log10", np.log10, 0.2, 3),
    ("log1p", np.log1p, -0.8, 2),
    ("sqrt", np.sqrt, 0.2, 3),
    ("rsqrt", lambda x: 1 / np.sqrt(x), 0.2, 3),
    ("sin", np.sin, -2, 2),
    ("cos", np.cos, -2, 2),
    ("tan", np.tan, -1, 1),
    ("asin", np.arcsin, -0.9, 0.9),
    ("acos", np.arccos, -0.9, 0.9),
    ("atan", np.arctan, -2, 2),
    ("sinh", np.sinh, -2, 2),
    ("cosh", np.cosh, -2, 2),
    ("tanh", np.tanh, -2, 2),
    ("asinh", np.arcsinh, -2, 2),
    ("acosh", np.arccosh, 1.2, 3),
    ("atanh", np.arctanh, -0.9, 0.9),
    ("sigmoid", _sigmoid, -2, 2),
    ("erf", _erf, -2, 2),
    ("lgamma", _lgamma, 0.2, 12),
    ("digamma", _digamma, -0.9, -0.1),
    ("digamma", _digamma, 0.3, 12),
    ("neg", np.negative, -2, 2),
    ("abs", np.abs, 0.1, 2),
    ("reciprocal", lambda x: 1 / x, 0.2, 3),
    ("square", np.square, -2, 2),
    ("deg2rad", np.deg2rad, -90, 90),
    ("rad2deg", np.rad2deg, -2, 2),
    ("sinc", np.sinc, 0.2, 2),
    ("logit", lambda x: np.log(x / (1 - x)), 0.1, 0.9),
):
    unary(_name, _reference, _low, _high)

for _name, _reference in (
    ("floor", np.floor),
    ("ceil", np.ceil),
    ("trunc", np.trunc),
    ("round", np.rint),
    ("sign", np.sign),
    ("isnan", np.isnan),
    ("isinf", np.isinf),
    ("isfinite", np.isfinite),
    ("signbit", np.signbit),
    ("logical_not", np.logical_not),
):
    unary(_name, _reference, **FLAT)

unary("frac", lambda x: x - np.trunc(x), twice=False)
unary("round_decimals", lambda x: np.round(x, 2), call=lambda x: G.round(x, decimals=2), **FLAT)
unary("nan_to_num", np.nan_to_num, twice=False)
unary("clamp", lambda x: np.clip(x, -0.5, 0.7), call=lambda x: G.clamp(x, -0.5, 0.7), twice=False)
for _exponent in (0, 1, 2, 3, 4, -1, -2, 0.5, 2.5, -1.5):
    unary(
        f"pow_{_exponent}", lambda x, e=_exponent: x**e, 0.3, 2, call=lambda x, e=_exponent: x**e, twice=_exponent not in (0, 1)
    )
unary("rpow", lambda x: 2.0**x, call=lambda x: 2**x)
unary("radd_rsub_rdiv", lambda x: (1 + x) * (3 - x) / (2 / x), 0.3, 2, call=lambda x: (1 + x) * (3 - x) / (2 / x))

binary("add", np.add)
binary("sub", np.subtract)
binary("mul", np.multiply)
binary("div", np.divide, None, POSITIVE)
binary("pow", np.power, POSITIVE, In())
binary("atan2", np.arctan2, APART, In())
binary("hypot", np.hypot, APART, In())
binary("logaddexp", np.logaddexp)
binary("logaddexp2", np.logaddexp2)
binary("xlogy", lambda x, y: x * np.log(y), POSITIVE, POSITIVE)
binary("maximum", np.maximum, twice=False)
binary("minimum", np.minimum, twice=False)
binary("fmax", np.fmax, twice=False)
binary("fmin", np.fmin, twice=False)
binary("copysign", np.copysign, POSITIVE, In(), smooth=False)
binary("remainder", lambda x, y: x - y * np.floor(x / y), APART, In(low=1.1, high=1.3), twice=False, smooth=False)
binary("fmod", np.fmod, APART, In(low=1.1, high=1.3), smooth=False)
binary("floor_divide", lambda x, y: np.floor(x / y), APART, In(low=1.1, high=1.3), smooth=False)
binary("float_power", np.float_power, POSITIVE, In())
for _name, _reference in (
    ("eq", np.equal),
    ("ne", np.not_equal),
    ("lt", np.less),
    ("le", np.less_equal),
    ("gt", np.greater),
    ("ge", np.greater_equal),
    ("isclose", np.isclose),
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
    ("logical_xor", np.logical_xor),
):
    binary(_name, _reference, **FLAT)
for _name, _reference in (
    ("bitwise_and", np.bitwise_and),
    ("bitwise_or", np.bitwise_or),
    ("bitwise_xor", np.bitwise_xor),
    ("bitwise_left_shift", np.left_shift),
    ("bitwise_right_shift", np.right_shift),
    ("floor_divide", np.floor_divide),
    ("remainder", np.remainder),
    ("fmod", np.fmod),
    ("pow", np.power),
):
    row(
        f"{_name}_int",
        getattr(G, _name),
        _reference,
        In(low=-5, high=9, kind="int") if _name != "pow" else In(low=-3, high=4, kind="int"),
        In(low=1, high=5, kind="int"),
        smooth=False,
        elementwise=True,
    )
row("bitwise_not", G.bitwise_not, np.invert, In(low=-5, high=9, kind="int"), smooth=False, elementwise=True)
row(
    "div_trunc_int",
    lambda x, y: G.div(x, y, rounding_mode="trunc"),
    lambda x, y: np.trunc(x / y).astype(np.int64),
    In(low=-9, high=9, kind="int"),
    In(low=1, high=5, kind="int"),
    smooth=False,
    elementwise=True,
)
row("add_alpha", lambda x, y: G.add(x, y, alpha=0.5), lambda x, y: x + 0.5 * y, In(), In((3,)))
row("broadcast", lambda x, y: x * y, lambda x, y: x * y, In((2, 1, 3)), In((4, 1)))
row("lerp", lambda x, y: G.lerp(x, y, 0.3), lambda x, y: x + 0.3 * (y - x), In(), In(), elementwise=True)
row("lerp_tensor", G.lerp, lambda x, y, w: x + w * (y - x), In(), In(), In(low=0, high=1), elementwise=True)
row("addcmul", lambda x, a, b: G.addcmul(x, a, b, value=2.0), lambda x, a, b: x + 2 * a * b, In(), In(), In(), elementwise=True)
row(
    "addcdiv",
    lambda x, a, b: G.addcdiv(x, a, b, value=2.0),
    lambda x, a, b: x + 2 * a / b,
    In(),
    In(),
    POSITIVE,
    elementwise=True,
)
row("where", G.where, np.where, In(kind="bool"), In(), In(), elementwise=True)
row(
    "masked_fill",
    lambda x, m: G.masked_fill(x, m, 5.0),
    lambda x, m: np.where(m, 5.0, x),
    In(),
    In(kind="bool"),
    elementwise=True,
)

# -- activations ----------------------------------------------------------------------------------------

for _name, _reference, _smooth in (
    ("relu", lambda x: np.maximum(x, 0), True),
    ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x), True),
    ("elu", lambda x: np.where(x > 0, x, np.expm1(x)), True),
    ("celu", lambda x: np.where(x > 0, x, np.expm1(x)), True),
    ("selu", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)), True),
    ("gelu", lambda x: x * 0.5 * (1 + _erf(x / np.sqrt(2))), True),
    ("silu", lambda x: x * _sigmoid(x), True),
    ("mish", lambda x: x * np.tanh(_softplus(x)), True),
    ("softplus", _softplus, True),
    ("logsigmoid", lambda x: -_softplus(-x), True),
    ("softsign", lambda x: x / (1 + np.abs(x)), True),
    ("tanhshrink", lambda x: x - np.tanh(x), True),
    ("hardtanh", lambda x: np.clip(x, -1, 1), True),
    ("relu6", lambda x: np.clip(x, 0, 6), True),
    ("hardsigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1), True),
    ("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), True),
    ("hardshrink", lambda x: np.where(np.abs(x) > 0.5, x, 0), True),
    ("softshrink", lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), True),
):
    unary(_name, _reference, call=getattr(F, _name), smooth=_smooth)
unary(
    "gelu_tanh",
    lambda x: x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    call=lambda x: F.gelu(x, approximate="tanh"),
)
unary("threshold", lambda x: np.where(x > 0.1, x, 20), call=lambda x: F.threshold(x, 0.1, 20))
row("prelu", F.prelu, lambda x, w: np.where(x > 0, x, x * w), In((4, 3)), In((3,)))
row("glu", F.glu, lambda x: x[:, :2] * _sigmoid(x[:, 2:]), In((3, 4)))


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    return np.log(np.exp(x).sum(axis, keepdims=keepdims))


row("softmax", lambda x: G.softmax(x, 1), lambda x: _softmax(x, 1), In((2, 3, 4)))
row("log_softmax", lambda x: G.log_softmax(x, -1), lambda x: np.log(_softmax(x)), In((3, 4)))
row("softmin", lambda x: F.softmin(x, 0), lambda x: _softmax(-x, 0), In((3, 4)))
row("normalize", F.normalize, lambda x: x / np.sqrt((x**2).sum(1, keepdims=True)), In((3, 4)))
row(
    "cosine_similarity",
    F.cosine_similarity,
    lambda x, y: (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)),
    In((3, 4)),
    In((3, 4)),
)

# -- reductions -----------------------------------------------------------------------------------------

for _axis in (None, 0, -1, (0, 2)):
    row(f"sum_{_axis}", lambda x, a=_axis: x.sum(a), lambda x, a=_axis: x.sum(a), In((2, 3, 4)))
    row(f"mean_{_axis}", lambda x, a=_axis: x.mean(a, keepdim=True), lambda x, a=_axis: x.mean(a, keepdims=True), In((2, 3, 4)))
    row(f"var_{_axis}", lambda x, a=_axis: G.var(x, a), lambda x, a=_axis: x.var(a, ddof=1), In((2, 3, 4)))
    row(f"std_{_axis}", lambda x, a=_axis: G.std(x, a, correction=0), lambda x, a=_axis: x.std(a), In((2, 3, 4)))
    row(
        f"amax_{_axis}",
        lambda x, a=_axis: G.amax(x, a if a is not None else ()),
        lambda x, a=_axis: x.max(a),
        In((2, 3, 4)),
        twice=False,
    )
    row(f"norm_{_axis}", lambda x, a=_axis: G.norm(x, dim=a), lambda x, a=_axis: np.sqrt((x**2).sum(a)), In((2, 3, 4)))
    row(f"all_{_axis}", lambda x, a=_axis: G.all(x, a), lambda x, a=_axis: x.all(a), In((2, 3, 4), kind="bool"), smooth=False)
row("prod", lambda x: x.prod(1), lambda x: x.prod(1), In((2, 3), 0.3, 2))
row("max", lambda x: x.max(), lambda x: x.max(), twice=False)
row("max_dim", lambda x: x.max(1), lambda x: (x.max(1), x.argmax(1)), In((3, 4)), twice=False)
row("min_dim", lambda x: x.min(0), lambda x: (x.min(0), x.argmin(0)), In((3, 4)), twice=False)
row("argmax", lambda x: x.argmax(), lambda x: x.argmax(), In((3, 4)), smooth=False)
row("argmin_dim", lambda x: x.argmin(1, keepdim=True), lambda x: x.argmin(1)[:, None], In((3, 4)), smooth=False)
row("any", lambda x: x.any(0), lambda x: x.any(0), In((3, 4), kind="bool"), smooth=False)
row("count_nonzero", G.count_nonzero, np.count_nonzero, In((3, 4), 0, 3, "int"), smooth=False)
row("sum_int", lambda x: x.sum(0), lambda x: x.sum(0), In((3, 4), -5, 5, "int"), smooth=False)
row("logsumexp", lambda x: G.logsumexp(x, 1, keepdim=True), lambda x: _logsumexp(x, 1, True), In((3, 4)))
row("var_mean", lambda x: G.var_mean(x, 1), lambda x: (x.var(1, ddof=1), x.mean(1)), In((3, 4)))
row("norm_1", lambda x: G.norm(x, 1, 0), lambda x: np.abs(x).sum(0), In((3, 4)))
row("norm_inf", lambda x: G.norm(x, INF), lambda x: np.abs(x).max(), In((3, 4)), twice=False)
row("norm_3", lambda x: G.linalg.vector_norm(x, 3), lambda x: (np.abs(x) ** 3).sum() ** (1 / 3), In((3, 4)))
row("cumsum", lambda x: x.cumsum(1), lambda x: x.cumsum(1), In((3, 4)))
row("cumprod", lambda x: x.cumprod(0), lambda x: x.cumprod(0), In((5, 2), 0.3, 2))
row("logcumsumexp", lambda x: G.logcumsumexp(x, 0), lambda x: np.log(np.exp(x).cumsum(0)), In((5, 2)))
row("nansum", lambda x: G.nansum(x, 0), lambda x: np.nansum(x, 0), In((5, 2)))

# -- shapes ---------------------------------------------------------------------------------------------

CUBE = In((2, 3, 4))
for _name, _call in {
    "reshape": lambda x: x.reshape(4, -1),
    "permute": lambda x: x.permute(2, 0, 1) if isinstance(x, G.Tensor) else x.transpose(2, 0, 1),
    "transpose": lambda x: x.transpose(0, 2) if isinstance(x, G.Tensor) else x.swapaxes(0, 2),
    "unsqueeze": lambda x: x.unsqueeze(1) if isinstance(x, G.Tensor) else x[:, None],
    "index_int": lambda x: x[1],
    "index_slice": lambda x: x[:, 1:, ::2],
    "index_none": lambda x: x[..., None, -1],
    "index_mixed": lambda x: x[0, 1:, None],
    "index_tensor": lambda x: x[:, [2, 0, 0, -1]],
    "index_tensors": lambda x: x[[0, 1], :, [3, 2]],
    "index_rows": lambda x: x[np.array([[0, 1], [1, 1]])],
    "index_mask": lambda x: x[:, np.array([True, False, True])],
    "matrix_T": lambda x: x.mT if isinstance(x, G.Tensor) else x.swapaxes(1, 2),
}.items():
    row(_name, _call, _call, CUBE)
row("flatten", lambda x: x.flatten(1), lambda x: x.reshape(2, 12), CUBE)
row("unflatten", lambda x: x.unflatten(2, (2, -1)), lambda x: x.reshape(2, 3, 2, 2), CUBE)
row("squeeze", lambda x: x.squeeze(), lambda x: x.squeeze(), In((1, 3, 1)))
row("expand", lambda x: x.expand(4, -1, 2), lambda x: np.broadcast_to(x, (4, 3, 2)), In((3, 1)))
row("movedim", lambda x: x.movedim(0, -1), lambda x: np.moveaxis(x, 0, -1), CUBE)
row("flip", lambda x: x.flip(0, 2), lambda x: np.flip(x, (0, 2)), CUBE)
row("roll", lambda x: x.roll((1, -1), (0, 2)), lambda x: np.roll(x, (1, -1), (0, 2)), CUBE)
row("rot90", lambda x: G.rot90(x, 3), lambda x: np.rot90(x, 3), In((2, 3)))
row("cat", lambda x, y: G.cat([x, y], 1), lambda x, y: np.concatenate([x, y], 1), In((2, 3)), In((2, 2)))
row("stack", lambda x, y: G.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), In(), In())
row("split", lambda x: x.split(2, 1), lambda x: (x[:, :2], x[:, 2:4], x[:, 4:]), In((2, 5)))
row("chunk", lambda x: x.chunk(2), lambda x: (x[:3], x[3:]), In((5, 2)))
row("unbind", lambda x: x.unbind(1), lambda x: (x[:, 0], x[:, 1]), In((3, 2)))
row("repeat", lambda x: x.repeat(2, 1, 3), lambda x: np.tile(x, (2, 1, 3)), In((2, 3)))
row("repeat_interleave", lambda x: x.repeat_interleave(3, 0), lambda x: np.repeat(x, 3, 0), In((2, 3)))
row("tril", lambda x: x.tril(-1), lambda x: np.tril(x, -1), In((2, 3, 3)))
row("triu", lambda x: x.triu(1), lambda x: np.triu(x, 1), In((3, 4)))
row("diagonal", lambda x: x.diagonal(1, 0, 2), lambda x: np.diagonal(x, 1, 0, 2), In((3, 2, 4)))
row("diag", lambda x: G.diag(x, -1), lambda x: np.diag(x, -1), In((3,)))
row("unfold", lambda x: x.unfold(0, 3, 2), lambda x: np.stack([x[0:3].T, x[2:5].T]), In((5, 2)))
row(
    "pad",
    lambda x: F.pad(x, (1, 2, -1, 1), value=0.5),
    lambda x: np.pad(x[1:], ((0, 1), (1, 2)), constant_values=0.5),
    In((3, 2)),
)
row("meshgrid", lambda x, y: G.meshgrid(x, y, indexing="xy"), lambda x, y: tuple(np.meshgrid(x, y)), In((3,)), In((2,)))

# -- indexing -------------------------------------------------------------------------------------------

INDEX = In((2, 3), 0, 4, "int")


def _scattered(x: Any, i: Any, y: Any, add: bool) -> Any:
    x = x.copy()
    for a, b in np.ndindex(i.shape):
        x[a, i[a, b]] = y[a, b] + (x[a, i[a, b]] if add else 0)
    return x


def _row_added(x: Any, i: Any, y: Any) -> Any:
    x = x.copy()
    np.add.at(x, i, y)
    return x


def _written(x: Any, y: Any) -> Any:
    x = x.copy()
    x[1:, ::2] = y
    return x


row("gather", lambda x, i: x.gather(1, i), lambda x, i: np.take_along_axis(x, i, 1), In((2, 4)), INDEX)
row("index_select", lambda x, i: x.index_select(1, i), lambda x, i: x[:, i], In((2, 4)), In((5,), 0, 4, "int"))
row("take", lambda x, i: x.take(i), lambda x, i: x.reshape(-1)[i], In((2, 4)), In((5,), -8, 8, "int"))
row(
    "scatter_add",
    lambda x, i, y: x.scatter_add(1, i, y),
    lambda x, i, y: _scattered(x, i, y, True),
    In((2, 4)),
    INDEX,
    In((2, 3)),
)
row("scatter", lambda x, i, y: x.scatter(1, i, y), lambda x, i, y: _scattered(x, i, y, False), In((2, 4)), INDEX, In((2, 3)))
row("index_add", lambda x, i, y: x.index_add(0, i, y), _row_added, In((4, 3)), In((5,), 0, 4, "int"), In((5, 3)))
row(
    "index_put",
    lambda x, i, y: x.index_put((i,), y),
    lambda x, i, y: _scattered(x[None], i[None], y[None], False)[0],
    In((4,)),
    In((3,), 0, 4, "int"),
    In((3,)),
)
row(
    "put_slice",
    lambda x, y: G.ops.indexing.items.put_item(x, (slice(1, None), slice(None, None, 2)), y),
    _written,
    In((3, 4)),
    In((2, 2)),
)
row("take_along_dim", lambda x, i: G.take_along_dim(x, i, 1), lambda x, i: np.take_along_axis(x, i, 1), In((2, 4)), INDEX)
row("one_hot", lambda i: F.one_hot(i, 4), lambda i: np.eye(4, dtype=np.int64)[i], INDEX, smooth=False)
row("embedding", F.embedding, lambda i, w: w[i], INDEX, In((4, 3)))

# -- products -------------------------------------------------------------------------------------------

row("mm", G.mm, np.matmul, In((2, 3)), In((3, 4)))
row("bmm", G.bmm, np.matmul, In((2, 2, 3)), In((2, 3, 4)))
row("mv", G.mv, np.matmul, In((2, 3)), In((3,)))
row("dot", G.dot, np.dot, In((3,)), In((3,)))
row("vector_matrix", G.matmul, np.matmul, In((3,)), In((2, 3, 4)))
row("rows_matrix", G.matmul, np.matmul, In((2, 5, 3)), In((3, 4)))
row("matmul_broadcast", G.matmul, np.matmul, In((2, 1, 2, 3)), In((3, 3, 4)))
row(
    "addmm",
    lambda c, a, b: G.addmm(c, a, b, beta=0.5, alpha=2.0),
    lambda c, a, b: 0.5 * c + 2 * (a @ b),
    In((4,)),
    In((2, 3)),
    In((3, 4)),
)
row("baddbmm", G.baddbmm, lambda c, a, b: c + a @ b, In((2, 4)), In((3, 2, 3)), In((3, 3, 4)))
row("linear", F.linear, lambda x, w, b: x @ w.T + b, In((2, 5, 3)), In((4, 3)), In((4,)))
row("bilinear", F.bilinear, lambda x, y, w: np.einsum("ni,oij,nj->no", x, w, y), In((2, 3)), In((2, 4)), In((5, 3, 4)))
row("outer", G.outer, np.outer, In((3,)), In((4,)))
row("kron", G.kron, np.kron, In((2, 3)), In((3, 2)))
row("cross", G.cross, np.cross, In((4, 3)), In((4, 3)))
row(
    "tensordot",
    lambda x, y: G.tensordot(x, y, ([0, 2], [1, 0])),
    lambda x, y: np.tensordot(x, y, ([0, 2], [1, 0])),
    CUBE,
    In((4, 2, 5)),
)
row("trace", G.trace, np.trace, In((3, 4)))
SQUARE, SYSTEMS, RIGHT = In((3, 3), -1, 1), In((2, 3, 3), -1, 1), In((2, 3, 2))


def _regular(x: Any) -> Any:
    """Return regular matrices, whose pivots are not on the diagonal."""
    shift = np.eye(3)[[1, 2, 0]] * 3
    return x + (G.tensor(shift, dtype=x.dtype) if isinstance(x, G.Tensor) else shift.astype(x.dtype))


def _definite(x: Any) -> Any:
    one = G.eye(3, dtype=x.dtype) if isinstance(x, G.Tensor) else np.eye(3, dtype=x.dtype)
    return x @ x.swapaxes(-1, -2) + one


for _name, _call, _reference in (
    ("cholesky", lambda x: G.linalg.cholesky(_definite(x)), lambda x: np.linalg.cholesky(_definite(x))),
    ("cholesky_upper", lambda x: _definite(x).cholesky(True), lambda x: np.linalg.cholesky(_definite(x)).swapaxes(-1, -2)),
    ("inv", lambda x: G.linalg.inv(_regular(x)), lambda x: np.linalg.inv(_regular(x))),
    ("inverse", lambda x: _regular(x).inverse(), lambda x: np.linalg.inv(_regular(x))),
    ("matrix_power_-2", lambda x: G.matrix_power(_regular(x), -2), lambda x: np.linalg.matrix_power(_regular(x), -2)),
    ("det", lambda x: G.det(_regular(x)), lambda x: np.linalg.det(_regular(x))),
    ("slogdet", lambda x: G.slogdet(_regular(x))[1], lambda x: np.linalg.slogdet(_regular(x))[1]),
    ("logdet", lambda x: G.logdet(_definite(x)), lambda x: np.log(np.linalg.det(_definite(x)))),
    ("cholesky_inverse", lambda x: G.cholesky_inverse(G.cholesky(_definite(x))), lambda x: np.linalg.inv(_definite(x))),
    ("lu", lambda x: _product(G.linalg.lu(_regular(x))), lambda x: _regular(x)),
):
    row(_name, _call, _reference, SYSTEMS)


def _product(factors: Any) -> Any:
    return factors[0] @ factors[1] @ factors[2]


row("solve", lambda a, b: G.linalg.solve(_regular(a), b), lambda a, b: np.linalg.solve(_regular(a), b), SYSTEMS, RIGHT)
row("solve_one", lambda a, b: G.linalg.solve(_regular(a), b), lambda a, b: np.linalg.solve(_regular(a), b), SQUARE, RIGHT)
row(
    "solve_right",
    lambda a, b: G.linalg.solve(_regular(a), b.mT, left=False),
    lambda a, b: np.linalg.solve(_regular(a).swapaxes(1, 2), b).swapaxes(1, 2),
    SYSTEMS,
    RIGHT,
)
row("solve_vector", lambda a, b: G.linalg.solve(_regular(a), b), lambda a, b: np.linalg.solve(_regular(a), b), SQUARE, In((3,)))
row(
    "lu_solve",
    lambda a, b: G.linalg.lu_solve(*G.linalg.lu_factor(_regular(a)), b),
    lambda a, b: np.linalg.solve(_regular(a), b),
    SYSTEMS,
    RIGHT,
)
row(
    "solve_triangular",
    lambda a, b: G.linalg.solve_triangular(a + 3 * G.eye(3, dtype=a.dtype), b, upper=True),
    lambda a, b: np.linalg.solve(np.triu(a) + 3 * np.eye(3, dtype=a.dtype), b),
    SYSTEMS,
    RIGHT,
)
row(
    "cholesky_solve",
    lambda a, b: G.cholesky_solve(b, G.cholesky(_definite(a))),
    lambda a, b: np.linalg.solve(_definite(a), b),
    SYSTEMS,
    RIGHT,
)
row("vander", G.linalg.vander, lambda x: np.stack([np.vander(v, increasing=True) for v in x]), In((2, 3)))
row("matmul_int", G.matmul, np.matmul, In((2, 3), -5, 5, "int"), In((3, 4), -5, 5, "int"), smooth=False)
for _equation, _shapes in {
    "ij,jk->ik": ((2, 3), (3, 4)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 2)),
    "bhqd,bhkd->bhqk": ((2, 2, 3, 4), (2, 2, 5, 4)),
    "ij->j": ((3, 4),),
    "ii->i": ((3, 3),),
    "i,j->ij": ((3,), (4,)),
    "...ij,...jk": ((2, 3, 4), (4, 5)),
    "ij,jk,kl->il": ((2, 3), (3, 4), (4, 2)),
    "ij,ij->": ((2, 3), (2, 3)),
    "bi,oij,bj->bo": ((2, 3), (4, 3, 2), (2, 2)),
}.items():
    row(
        f"einsum {_equation}",
        lambda *xs, e=_equation: G.einsum(e, *xs),
        lambda *xs, e=_equation: np.einsum(e, *xs),
        *map(In, _shapes),
    )

# -- normalizations, losses, attention --------------------------------------------------------------------


def _standard(x: Any, axes: Any, eps: float = 1e-5) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def _group_norm(x: Any, w: Any, b: Any) -> Any:
    y = _standard(x.reshape(2, 2, 2, 3), (2, 3)).reshape(2, 4, 3)
    return y * w[:, None] + b[:, None]


row(
    "layer_norm",
    lambda x, w, b: F.layer_norm(x, (4,), w, b),
    lambda x, w, b: _standard(x, -1) * w + b,
    In((2, 3, 4)),
    In((4,)),
    In((4,)),
)
row(
    "rms_norm",
    lambda x, w: F.rms_norm(x, (4,), w, 1e-5),
    lambda x, w: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w,
    In((3, 4)),
    In((4,)),
)
row("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), _group_norm, In((2, 4, 3)), In((4,)), In((4,)))
row("instance_norm", F.instance_norm, lambda x: _standard(x, 2), In((2, 3, 5)))
row(
    "batch_norm",
    lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    lambda x, w, b: _standard(x, 0) * w + b,
    In((5, 3)),
    In((3,)),
    In((3,)),
)
row("batch_norm_eval", F.batch_norm, lambda x, m, v: (x - m) / np.sqrt(v + 1e-5), In((5, 3)), In((3,)), In((3,), 0.5, 2))


def _nll(logp: Any, t: Any) -> Any:
    return -np.take_along_axis(logp, t[:, None], 1)[:, 0]


LOGITS, CLASSES, WEIGHTS = In((4, 3)), In((4,), 0, 3, "int"), In((3,), 0.5, 2)
row("mse_loss", F.mse_loss, lambda x, y: ((x - y) ** 2).mean(), In(), In())
row("l1_loss", lambda x, y: F.l1_loss(x, y, reduction="sum"), lambda x, y: np.abs(x - y).sum(), In(), In())
row(
    "smooth_l1_loss",
    lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=0.7),
    lambda x, y: np.where(np.abs(x - y) < 0.7, 0.5 * (x - y) ** 2 / 0.7, np.abs(x - y) - 0.35),
    In(),
    In(),
)
row(
    "huber_loss",
    F.huber_loss,
    lambda x, y: np.where(np.abs(x - y) < 1, 0.5 * (x - y) ** 2, np.abs(x - y) - 0.5).mean(),
    In(),
    In(),
)
row("bce_with_logits", F.binary_cross_entropy_with_logits, lambda x, t: (_softplus(x) - x * t).mean(), In(), In(low=0, high=1))
row(
    "binary_cross_entropy",
    F.binary_cross_entropy,
    lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(),
    In(low=0.1, high=0.9),
    In(low=0, high=1),
)
row(
    "kl_div",
    lambda x, t: F.kl_div(x, t, reduction="batchmean"),
    lambda x, t: (t * (np.log(t) - x)).sum() / 2,
    In(),
    In(low=0.1, high=1),
)
row("nll_loss", F.nll_loss, lambda x, t: _nll(x, t).mean(), LOGITS, CLASSES)
row("cross_entropy", F.cross_entropy, lambda x, t: _nll(np.log(_softmax(x)), t).mean(), LOGITS, CLASSES)
row(
    "cross_entropy_none",
    lambda x, t: F.cross_entropy(x, t, reduction="none"),
    lambda x, t: _nll(np.log(_softmax(x)), t),
    LOGITS,
    CLASSES,
)
row(
    "cross_entropy_weight",
    F.cross_entropy,
    lambda x, t, w: (_nll(np.log(_softmax(x)), t) * w[t]).sum() / w[t].sum(),
    LOGITS,
    CLASSES,
    WEIGHTS,
)
row(
    "cross_entropy_ignore",
    lambda x, t: F.cross_entropy(x, t, ignore_index=1, reduction="sum"),
    lambda x, t: (_nll(np.log(_softmax(x)), t) * (t != 1)).sum(),
    LOGITS,
    CLASSES,
)
row(
    "cross_entropy_smooth",
    lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2),
    lambda x, t: (0.8 * _nll(np.log(_softmax(x)), t) - 0.2 * np.log(_softmax(x)).mean(1)).mean(),
    LOGITS,
    CLASSES,
)
row("cross_entropy_soft", F.cross_entropy, lambda x, t: -(t * np.log(_softmax(x))).sum(1).mean(), LOGITS, In((4, 3), 0, 1))
row(
    "cross_entropy_2d",
    F.cross_entropy,
    lambda x, t: _logsumexp(x, 1).mean() - np.take_along_axis(x, t[:, None], 1).mean(),
    In((2, 3, 4)),
    In((2, 4), 0, 3, "int"),
)


def _attention(q: Any, k: Any, v: Any, seen: Any = True) -> Any:
    scores = np.where(seen, q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]), -np.inf)
    return _softmax(scores) @ v


QKV = (In((2, 3, 4)), In((2, 3, 4)), In((2, 3, 2)))
row("attention", F.scaled_dot_product_attention, _attention, *QKV)
row(
    "attention_causal",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    lambda q, k, v: _attention(q, k, v, np.tril(np.ones((3, 3), bool))),
    *QKV,
)

# -- convolutions, pooling --------------------------------------------------------------------------------


def _conv2d(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    seen = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", seen, w)


def _conv_transpose1d(x: Any, w: Any) -> Any:
    out = np.zeros((x.shape[0], w.shape[1], 2 * (x.shape[2] - 1) + w.shape[2]))
    for i, j in np.ndindex(x.shape[2], w.shape[2]):
        out[:, :, 2 * i + j] += x[:, :, i] @ w[:, :, j]
    return out


IMAGE, KERNEL = In((2, 3, 5, 6)), In((4, 3, 3, 2))
row("conv2d", lambda x, w, b: F.conv2d(x, w, b), lambda x, w, b: _conv2d(x, w) + b[:, None, None], IMAGE, KERNEL, In((4,)))
row("conv2d_stride", lambda x, w: F.conv2d(x, w, stride=2, padding=1), lambda x, w: _conv2d(x, w, 2, 1), IMAGE, KERNEL)
row(
    "conv1d_groups",
    lambda x, w: F.conv1d(x, w, groups=2),
    lambda x, w: np.concatenate(
        [
            np.einsum("nclk,ock->nol", np.lib.stride_tricks.sliding_window_view(x[:, i : i + 2], 3, 2), w[i : i + 2])
            for i in (0, 2)
        ],
        1,
    ),
    In((2, 4, 5)),
    In((4, 2, 3)),
)
row("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=2), _conv_transpose1d, In((2, 3, 4)), In((3, 2, 3)))
row("max_pool2d", lambda x: F.max_pool2d(x, 2), lambda x: x[:, :, :4].reshape(2, 3, 2, 2, 3, 2).max((3, 5)), IMAGE, twice=False)
row("avg_pool2d", lambda x: F.avg_pool2d(x, 2), lambda x: x[:, :, :4].reshape(2, 3, 2, 2, 3, 2).mean((3, 5)), IMAGE)
row(
    "adaptive_avg_pool1d",
    lambda x: F.adaptive_avg_pool1d(x, 2),
    lambda x: np.stack([x[..., :3].mean(-1), x[..., 2:].mean(-1)], -1),
    In((2, 3, 5)),
)

# -- where derivatives do not exist -----------------------------------------------------------------------

SINGULAR: list[tuple[str, Callable[..., Any], Any, Any]] = [
    ("abs", G.abs, [0.0], [0.0]),
    ("relu", G.relu, [0.0, -0.0], [0.0, 0.0]),
    ("clamp", lambda x: x.clamp(-1, 1), [-1.0, 1.0, 2.0], [1.0, 1.0, 0.0]),
    ("pow 0", lambda x: x**0, [0.0], [0.0]),
    ("prod", lambda x: x.prod(), [0.0, 2.0], [2.0, 0.0]),
    ("norm", lambda x: x.norm(), [0.0, 0.0], [0.0, 0.0]),
    ("max ties", lambda x: x.max(), [1.0, 1.0, 0.0], [0.5, 0.5, 0.0]),
    ("max dim ties", lambda x: x.max(0)[0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]),
    ("amax ties", lambda x: G.amax(x), [2.0, 2.0], [0.5, 0.5]),
    ("maximum tie", lambda x: G.maximum(x, G.tensor([1.0])), [1.0], [0.5]),
    ("sqrt", G.sqrt, [0.0], [INF]),
    ("asin", G.asin, [1.0], [INF]),
    ("std", lambda x: x.std(), [1.0, 1.0], [0.0, 0.0]),
    ("leaky_relu", F.leaky_relu, [0.0], [0.01]),
    ("hardtanh", F.hardtanh, [-1.0, 1.0], [0.0, 0.0]),
    ("elu", F.elu, [1000.0, -1000.0], [1.0, 0.0]),
    ("softplus", F.softplus, [1000.0, -1000.0], [1.0, 0.0]),
    ("silu", F.silu, [1000.0, -1000.0], [1.0, 0.0]),
    ("xlogy", lambda x: G.xlogy(x, x), [0.5], [np.log(0.5) + 1]),
    ("atan2", lambda x: G.atan2(x, G.tensor([2.0])), [0.0], [0.5]),
    ("logsumexp", lambda x: x.logsumexp(0), [-INF, 0.0], [0.0, 1.0]),
    ("where", lambda x: G.where(x > 0, G.log(x.clamp(min=1e-9)), x), [-1.0, 2.0], [1.0, 0.5]),
    ("sinh", G.sinh, [0.0, -3.0], [1.0, np.cosh(3.0)]),
]

# -- values at the edges ----------------------------------------------------------------------------------

EDGES: list[tuple[str, Callable[..., Any], Any, Any]] = [
    (
        "atan2",
        lambda y, x: G.atan2(y, x),
        ([0.0, -0.0, 0.0, -0.0, INF, -INF, 1.0], [1.0, 1.0, -1.0, -0.0, INF, -INF, 0.0]),
        [0.0, -0.0, np.pi, -np.pi, np.pi / 4, -3 * np.pi / 4, np.pi / 2],
    ),
    ("remainder", G.remainder, ([-1.0, 5.5, -5.5, 1.0], [3.0, -2.0, 2.0, INF]), [2.0, -0.5, 0.5, 1.0]),
    ("fmod", G.fmod, ([-1.0, 5.5, -5.5], [3.0, -2.0, 2.0]), [-1.0, 1.5, -1.5]),
    ("log2", G.log2, ([8.0, 0.125, 0.0],), [3.0, -3.0, -INF]),
    ("log10", G.log10, ([1000.0, 1e-4],), [3.0, -4.0]),
    ("exp2", G.exp2, ([3.0, -2.0],), [8.0, 0.25]),
    ("sinh", G.sinh, ([89.0, -INF, 1e-8],), [2.244806e38, -INF, 1e-8]),
    ("asinh", G.asinh, ([1e30, -INF, 1e-8],), [69.770744, -INF, 1e-8]),
    ("relu", G.relu, ([NAN, -1.0],), [NAN, 0.0]),
    ("clamp", lambda x: x.clamp(0, 1), ([NAN, INF, -INF],), [NAN, 1.0, 0.0]),
    ("softmax", lambda x: x.softmax(0), ([1000.0, 1000.0, -INF],), [0.5, 0.5, 0.0]),
    ("logsumexp", lambda x: x.logsumexp(0), ([-INF, -INF],), -INF),
    ("logsumexp inf", lambda x: x.logsumexp(0), ([INF, 1.0],), INF),
    ("sign", G.sign, ([NAN, -0.0, -3.0],), [0.0, 0.0, -1.0]),
    ("maximum", G.maximum, ([NAN, 1.0], [1.0, NAN]), [NAN, NAN]),
    ("fmax", G.fmax, ([NAN, 1.0], [1.0, NAN]), [1.0, 1.0]),
    ("hypot", G.hypot, ([3e30, INF, 0.0], [4e30, NAN, 0.0]), [5e30, INF, 0.0]),
    ("logaddexp", G.logaddexp, ([INF, -INF], [INF, -INF]), [INF, -INF]),
    ("round", G.round, ([0.5, 1.5, -2.5],), [0.0, 2.0, -2.0]),
    ("argmax NaN", lambda x: x.argmax(), ([1.0, NAN, 3.0],), 1),
    ("var of one", lambda x: x.var(), ([1.0],), NAN),
]

# -- what becomes of element types ------------------------------------------------------------------------

DTYPES: list[tuple[str, Callable[..., Any], str, str]] = [
    ("add", lambda x: x + 1, "int32", "int32"),
    ("add float", lambda x: x + 1.5, "int64", "float32"),
    ("mul", lambda x: x * 2.0, "float64", "float64"),
    ("div", lambda x: x / 2, "int64", "float32"),
    ("sum", G.sum, "bool", "int64"),
    ("sum", G.sum, "uint8", "int64"),
    ("mean", G.mean, "float32", "float32"),
    ("exp", G.exp, "int64", "float32"),
    ("floor", G.floor, "int64", "int64"),
    ("eq", lambda x: x == 1, "float32", "bool"),
    ("argmax", G.argmax, "float64", "int64"),
    ("any", G.any, "uint8", "uint8"),
    ("cumsum", lambda x: x.cumsum(0), "int32", "int64"),
    ("pow", lambda x: x**2, "int32", "int32"),
    ("pow float", lambda x: x**2.0, "int32", "float32"),
    ("sqrt", G.sqrt, "bool", "float32"),
    ("and", lambda x: x & True, "int64", "int64"),
    ("0-d", lambda x: x + G.tensor(1.5, dtype=G.float64), "float32", "float32"),
    ("dim", lambda x: x + G.ones(1, dtype=G.float64), "float32", "float64"),
    ("clamp", lambda x: x.clamp(min=0.5), "int64", "float32"),
    ("cat", lambda x: G.cat([x, G.ones(1)]), "int64", "float32"),
    ("where", lambda x: G.where(x > 0, x, 0.5), "int64", "float32"),
    ("count", G.count_nonzero, "float32", "int64"),
    ("softmax", lambda x: G.softmax(x, 0, dtype=G.float64), "int64", "float64"),
    ("abs", G.abs, "int32", "int32"),
    ("isnan", G.isnan, "int64", "bool"),
    ("tensordot", lambda x: G.tensordot(x, x, 1), "int64", "int64"),
    ("float_power", lambda x: G.float_power(x, 2), "int64", "float64"),
]

# -- what must be refused -----------------------------------------------------------------------------------


def _ones(*shape: int) -> Any:
    return G.ones(*shape)


T = G.tensor
ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: _ones(2, 3) + _ones(2, 4),
        RuntimeError,
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    ),
    (
        lambda: T([True]) - T([True]),
        RuntimeError,
        (
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        ),
    ),
    (lambda: -T([True]), RuntimeError, "Negation, the `-` operator, on a bool tensor is not supported."),
    (
        lambda: G.add(T([1]), 1, alpha=1.5),
        RuntimeError,
        "For integral input tensors, argument alpha must not be a floating point number.",
    ),
    (lambda: T([2]) ** -1, RuntimeError, "Integers to negative integer powers are not allowed."),
    (lambda: G.clamp(_ones(1)), RuntimeError, "torch.clamp: At least one of 'min' or 'max' must not be None"),
    (
        lambda: G.div(_ones(1), 2, rounding_mode="x"),
        RuntimeError,
        "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'x'",
    ),
    (
        lambda: G.where(T([1]), 1, 2),
        RuntimeError,
        "where expected condition to be a boolean tensor, but got a tensor with dtype Long",
    ),
    (lambda: ~_ones(1), TypeError, "~ (operator.invert) is only implemented on integer and Boolean-type tensors"),
    (lambda: _ones(1) & _ones(1), NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'Float'"),
    (lambda: G.mean(T([1])), RuntimeError, "mean(): could not infer output dtype."),
    (lambda: G.var(T([1])), RuntimeError, "std and var only support floating point and complex dtypes"),
    (lambda: G.max(T([])), RuntimeError, "max(): Expected reduction dim to be specified for input.numel() == 0."),
    (lambda: G.argmax(_ones(0, 3), 0), IndexError, "argmax(): Expected reduction dim 0 to have non-zero size."),
    (lambda: _ones(2).sum(1), IndexError, "Dimension out of range (expected to be in range of [-1, 0], but got 1)"),
    (lambda: _ones(2).sum((0, 0)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    (lambda: G.softmax(T([1]), 0), NotImplementedError, "not implemented for 'Long'"),
    (lambda: G.mm(_ones(2, 3), _ones(2, 3)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
    (lambda: _ones(3) @ _ones(2, 3), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (1x3 and 2x3)"),
    (lambda: _ones(2, 3) @ _ones(2), RuntimeError, "size mismatch, got input (2), mat (2x3), vec (2)"),
    (
        lambda: _ones(2, 3) @ _ones(3, 3).double(),
        RuntimeError,
        "expected m1 and m2 to have the same dtype, but got: float != double",
    ),
    (
        lambda: _ones(2, 2, 3) @ _ones(2, 4, 2),
        RuntimeError,
        "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [2, 4].",
    ),
    (lambda: F.linear(_ones(2, 3), _ones(4, 2)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x4)"),
    (
        lambda: G.einsum("ij,jk->ik", _ones(2, 3), _ones(2, 3)),
        RuntimeError,
        "einsum(): subscript j has size 2 for operand 1 which does not broadcast with previously seen size 3",
    ),
    (lambda: _ones(2, 3).reshape(4), RuntimeError, "shape '[4]' is invalid for input of size 6"),
    (lambda: _ones(2, 3).reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
    (
        lambda: _ones(5).expand(2, 4),
        RuntimeError,
        (
            "The expanded size of the tensor (4) must match the existing size (5) at "
            "non-singleton dimension 1.  Target sizes: [2, 4].  Tensor sizes: [5]"
        ),
    ),
    (
        lambda: G.cat([_ones(2, 3), _ones(2, 2)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for tensor number 1 in the list.",
    ),
    (lambda: G.cat([]), ValueError, "torch.cat(): expected a non-empty list of Tensors"),
    (
        lambda: G.stack([_ones(2), _ones(3)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1",
    ),
    (
        lambda: _ones(5).split([2, 2]),
        RuntimeError,
        (
            "split_with_sizes expects split_sizes to sum exactly to 5 (input "
            "tensor's size at dimension 0), but got split_sizes=[2, 2]"
        ),
    ),
    (lambda: _ones(2, 3)[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda: _ones(2, 3)[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
    (lambda: _ones(2, 3)[::-1], ValueError, "step must be greater than zero"),
    (
        lambda: _ones(2, 3)[T([True, False, True])],
        IndexError,
        "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2, 3] at index 0",
    ),
    (lambda: _ones(2, 3)[T([0.5])], IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    (
        lambda: _ones(2, 3)[T([0, 1]), T([0, 1, 2])],
        IndexError,
        "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]",
    ),
    (lambda: T(1.0)[0], IndexError, "invalid index of a 0-dim tensor."),
    (
        lambda: _ones(2, 3).gather(1, T([0])),
        RuntimeError,
        "Index tensor must have the same number of dimensions as input tensor",
    ),
    (
        lambda: _ones(2, 3).masked_fill(T([1]), 0),
        RuntimeError,
        "masked_fill_ only supports boolean masks, but got mask with dtype long int",
    ),
    (
        lambda: F.cross_entropy(_ones(3, 2), T([0, 1])),
        ValueError,
        "Expected input batch_size (3) to match target batch_size (2).",
    ),
    (
        lambda: F.layer_norm(_ones(2, 3), (4,)),
        RuntimeError,
        "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]",
    ),
    (lambda: F.dropout(_ones(2), 1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5"),
    (
        lambda: F.batch_norm(_ones(1, 3), None, None, training=True),
        ValueError,
        "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])",
    ),
    (lambda: G.tensor([[1, 2], [3]]), ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
    (lambda: G.arange(0, 3, -1), RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    (lambda: _ones(2) + "a", TypeError, "unsupported operand type(s) for +: 'Tensor' and 'str'"),
]
