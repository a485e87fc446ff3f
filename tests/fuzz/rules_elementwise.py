"""Statements that work element by element."""

from __future__ import annotations

from typing import Any

from tests.fuzz.dims import Dim, as_dim
from tests.fuzz.generate import Generator, Shape, dtype_text, rule
from tests.fuzz.program import Var

ONE = as_dim(1)

BOUNDED = (
    ("torch.tanh({})", 1.0), ("torch.sin({})", 1.0), ("torch.cos({})", 1.0), ("torch.sigmoid({})", 1.0),
    ("torch.erf({})", 1.0), ("torch.atan({})", 1.6), ("F.softsign({})", 1.0), ("torch.sign({})", 1.0),
    ("F.hardtanh({})", 1.0), ("torch.exp(-{}.abs())", 1.0), ("torch.frac({})", 1.0),
    ("torch.rsqrt({}.abs() + 0.5)", 1.5), ("1 / ({}.abs() + 0.5)", 2.0), ("torch.reciprocal(1.5 + {} * {})", 1.0),
    ("torch.sinc({}.abs() + 0.5)", 1.0), ("torch.clamp({}, -1.0, 1.0)", 1.0), ("{}.clamp(min=-0.5, max=0.75)", 1.0),
    ("torch.asin(torch.tanh({}) * 0.9)", 1.5), ("torch.acos(torch.sin({}) * 0.9)", 3.0),
    ("torch.atanh(torch.sin({}) * 0.9)", 2.0), ("torch.logit(torch.sigmoid({}) * 0.8 + 0.1)", 3.0),
)  # fmt: skip
"""Functions whose results are small whatever they get."""

LIKE = (
    "-{}", "{}.abs()", "F.relu({})", "F.gelu({})", "F.silu({})", "F.elu({})", "F.selu({})", "F.celu({})", "F.leaky_relu({})",
    "F.softplus({})", "F.mish({})", "F.hardswish({})", "F.logsigmoid({})", "F.tanhshrink({})", "F.softshrink({}) + 0.0",
    "F.hardshrink({})", "F.relu6({})", "torch.floor({})", "torch.ceil({})", "torch.round({})", "torch.trunc({})",
    "torch.sqrt({}.abs() + 0.1)", "torch.log({}.abs() + 0.5)", "torch.log1p({}.abs())", "torch.log2({}.abs() + 1.0)",
    "torch.asinh({})", "torch.acosh({}.abs() + 1.1)", "torch.nan_to_num({})", "{}.clone()", "torch.deg2rad({})",
    "{} * 0.5", "{}.clamp(min=0.0)", "{}.clamp_max(0.5)", "torch.log10({}.abs() + 0.5)", "F.threshold({}, 0.1, -0.3)",
)  # fmt: skip
"""Functions whose results are about as large as what they get."""

GROWING = ("torch.exp({})", "torch.expm1({})", "torch.exp2({})", "torch.sinh({})", "torch.cosh({})", "torch.tan({} * 0.3)")

RAW = ("torch.sqrt({})", "torch.log({})", "1.0 / {}", "torch.rsqrt({})", "torch.asin({})", "torch.acosh({})", "torch.log1p({})")
"""Functions that are undefined somewhere."""


@rule(6)
def unary(g: Generator) -> Any:
    x = g.float_of()
    if x is None:
        return None
    kind = g.rng.random()
    if kind < 0.45:
        text, mag = g.choice(BOUNDED)
        return g.emit(text, *[x] * text.count("{}"), mag=mag)
    if kind < 0.85:
        return g.emit(g.choice(LIKE), x, mag=x.mag + 3)
    if kind < 0.97:
        return g.emit(g.choice(GROWING), g.tame(x), mag=3e3)
    return g.emit(g.choice(RAW), x, mag=100.0)


def joined(x: Shape, y: Shape) -> Shape | None:
    """Return the shape two shapes broadcast to at all sizes, None if there is none."""
    rank = max(len(x), len(y))
    x, y = (ONE,) * (rank - len(x)) + x, (ONE,) * (rank - len(y)) + y
    found: list[Dim] = []
    for a, b in zip(x, y, strict=True):
        if a != b and ONE not in (a, b):
            return None
        found.append(b if a == ONE else a)
    return tuple(found)


def partner(g: Generator, x: Var, dtype: str = "") -> Var | None:
    """Return another variable that broadcasts with x."""
    return g.pick(lambda v: v.dtype == (dtype or x.dtype) and joined(v.shape, x.shape) is not None)


@rule(9)
def binary(g: Generator) -> Any:
    x = g.float_of()
    y = x and partner(g, x)
    if x is None or y is None:
        return None
    shape = joined(x.shape, y.shape)
    kind = g.rng.random()
    if kind < 0.35:
        return g.emit(
            g.choice(("{} + {}", "{} - {}", "torch.add({}, {}, alpha=0.5)", "{} - 0.5 * {}")),
            x,
            y,
            shape=shape,
            mag=x.mag + y.mag,
        )
    if kind < 0.6:
        return g.emit("{} * {}", g.tame(x), g.tame(y), shape=shape, mag=min(x.mag, 8) * min(y.mag, 8))
    if kind < 0.72:
        return g.emit("{} / ({}.abs() + 1.0)", x, y, shape=shape)
    if kind < 0.78:
        return (
            g.emit(
                g.choice(("torch.pow({}.abs() + 0.5, {})", "torch.float_power({}.abs() + 0.5, {})")),
                _small(g, x),
                _small(g, y),
                shape=shape,
                mag=30.0,
            )
            if x.dtype == "f64"
            else None
        )
    text = g.choice((
        "torch.maximum({}, {})", "torch.minimum({}, {})", "torch.fmax({}, {})", "torch.fmin({}, {})", "torch.atan2({}, {})",
        "torch.hypot({}, {})", "torch.logaddexp({}, {})", "torch.copysign({}, {}.nan_to_num(1.0))",
        "torch.fmod({}, {}.abs() + 0.7)",
        "torch.remainder({}, {}.abs() + 0.7)", "torch.lerp({}, {}, 0.3)", "{} // ({}.abs() + 0.7)",
        "torch.xlogy({}, {}.abs() + 1)",
        "torch.heaviside({}, {})", "F.prelu({}, {}.mean().reshape(1))" if x.rank != 1 else "torch.logaddexp2({}, {})",
    ))  # fmt: skip
    if "prelu" in text:
        shape = x.shape
    return g.emit(text, x, y, shape=shape, mag=2 * (x.mag + y.mag) + 3)


def _small(g: Generator, x: Var) -> Var:
    return g.emit("torch.tanh({})", x, mag=1.0) or x


@rule(4)
def with_number(g: Generator) -> Any:
    x = g.float_of()
    if x is None:
        return None
    c = g.number()
    text = g.choice(("{} + {}", "{} * {}", "{} - {}", "{} / {}", "{} * {}"))
    if g.chance(0.3):
        return g.emit(text.replace(" ", " ", 1), c, x, mag=abs(c) + 2 * x.mag) if "/" not in text else None
    if g.chance(0.2):
        x = g.tame(x)
        return g.emit(g.choice(("{} ** 2", "{} ** 3", "torch.square({})", "{}.pow(2)")), x, mag=x.mag**3)
    return g.emit(text, x, c, mag=x.mag * max(1.0, abs(c), 1 / abs(c)) + abs(c))


ORDERINGS = ("{} > {}", "{} < {}", "{} >= {}", "{} <= {}")
COMPARISONS = (*ORDERINGS, "{} == {}", "{} != {}")


def comparisons(*values: Var) -> tuple[str, ...]:
    """Return comparisons that make sense: whether computed floats are equal depends on how each of them was rounded."""
    return ORDERINGS if any(v.is_float and v.owned for v in values) else COMPARISONS


@rule(2)
def compare(g: Generator) -> Any:
    x = g.pick(lambda v: v.dtype != "bool")
    y = x and partner(g, x)
    if x is None or y is None:
        return None
    if g.chance(0.5):
        number = g.choice((0, 0.5, 1, -0.25)) if x.is_float else g.choice((0, 1, 2))
        return g.emit(g.choice(comparisons(x)), x, number, dtype="bool", mag=1.0)
    return g.emit(g.choice(comparisons(x, y)), x, y, dtype="bool", shape=joined(x.shape, y.shape), mag=1.0)


@rule(2)
def choose(g: Generator) -> Any:
    p = g.pick(lambda v: v.dtype == "bool") or compare(g)
    if p is None:
        return None
    x = g.float_of(lambda v: joined(v.shape, p.shape) is not None)
    if x is None:
        return None
    shape = joined(p.shape, x.shape)
    assert shape is not None
    if g.chance(0.3):
        return (
            g.emit("{}.masked_fill({}, {})", x, p, g.number(), shape=x.shape) if joined(p.shape, x.shape) == x.shape else None
        )
    if g.chance(0.3):
        return g.emit("torch.where({}, {}, {})", p, x, g.number(), shape=shape, dtype=x.dtype, mag=x.mag + 2)
    y = g.float_of(lambda v: v.dtype == x.dtype and joined(v.shape, shape) is not None)
    if y is None:
        return None
    return g.emit("torch.where({}, {}, {})", p, x, y, dtype=x.dtype, shape=joined(shape, y.shape), mag=max(x.mag, y.mag))


@rule(1)
def logic(g: Generator) -> Any:
    p = g.pick(lambda v: v.dtype == "bool")
    q = p and partner(g, p)
    if p is None or q is None:
        return None
    if g.chance(0.3):
        return g.emit("~{}", p)
    return g.emit(
        g.choice(("{} & {}", "{} | {}", "{} ^ {}", "torch.logical_and({}, {})")), p, q, shape=joined(p.shape, q.shape)
    )


@rule(1)
def predicates(g: Generator) -> Any:
    x = g.float_of()
    return x and g.emit(
        g.choice(("torch.isnan({})", "torch.isfinite({})", "torch.signbit({})", "torch.isinf({})")), x, dtype="bool", mag=1.0
    )


@rule(1)
def ternary(g: Generator) -> Any:
    x = g.float_of()
    y = x and partner(g, x)
    if x is None or y is None:
        return None
    shape = joined(x.shape, y.shape)
    assert shape is not None
    z = g.pick(lambda v: v.dtype == x.dtype and joined(v.shape, shape) is not None)
    if z is None:
        return None
    text = g.choice(
        (
            "torch.addcmul({}, {}, {})",
            "torch.lerp({}, {}, {})",
            "torch.addcdiv({}, {}, {}.abs() + 1.0)",
            "torch.clamp({}, {}, {} + 0.3)",
        )
    )
    return g.emit(text, g.tame(x), g.tame(y), g.tame(z), shape=joined(shape, z.shape), mag=80.0)


@rule(1)
def convert(g: Generator) -> Any:
    x = g.pick(lambda v: v.bound is None and (not v.is_float or v.mag < 100))
    if x is None:
        return None
    dtype = g.choice([d for d in ("f32", "f64", "i64", "i32", "bool") if d != x.dtype])
    if x.is_float and dtype[0] in "iu":
        return g.emit("torch.nan_to_num({}).to({})", x, dtype_text(dtype), dtype=dtype)
    if x.dtype in ("i32", "i64", "u8") or not x.is_float or dtype == "bool" or g.chance(0.3):
        return g.emit("{}.to({})", x, dtype_text(dtype), dtype=dtype)
    return None


@rule(2)
def integers(g: Generator) -> Any:
    x = g.pick(lambda v: v.dtype in ("i32", "i64", "u8"))
    y = x and partner(g, x)
    if x is None or y is None:
        return None
    if g.chance(0.4):
        return g.emit(
            g.choice(("{} + {}", "{} * {}", "{} - {}", "{} // {}", "{} % {}", "{} >> {}", "{} & {}", "{} << {}", "{} ^ {}")),
            x,
            g.choice((1, 2, 3, 5)),
            mag=32 * x.mag,
        )
    if g.chance(0.2) and x.dtype != "u8":
        text = g.choice(("{} // {}", "{} % {}", "torch.fmod({}, {})", "torch.div({}, {}, rounding_mode='trunc')"))
        return g.emit(text, x, g.choice((-1, -2, -3, 7)), mag=x.mag + 7)
    if g.chance(0.2):
        return g.emit(g.choice(("-{}", "~{}", "{}.abs()", "{} ** 2", "torch.sign({})")), x, mag=x.mag**2 + 1)
    text = g.choice(
        ("{} + {}", "{} * {}", "{} - {}", "torch.maximum({}, {})", "torch.minimum({}, {})", "{} & {}", "{} | {}", "{} ^ {}")
    )
    return g.emit(text, x, y, shape=joined(x.shape, y.shape), mag=x.mag * y.mag + x.mag + y.mag)


@rule(1)
def mixed(g: Generator) -> Any:
    x = g.float_of()
    y = x and g.pick(lambda v: not v.is_float and joined(v.shape, x.shape) is not None)
    if x is None or y is None:
        return None
    return g.emit(
        g.choice(("{} * {}", "{} + {}")), g.tame(x), y, shape=joined(x.shape, y.shape), mag=min(x.mag, 8) * (y.mag + 1) + 2
    )
