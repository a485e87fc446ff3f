"""Statements along axes: reductions, running sums, normalizations, products, sorting."""

from __future__ import annotations

from typing import Any

from tests.fuzz.dims import as_dim
from tests.fuzz.generate import Generator, Shape, rule
from tests.fuzz.program import Var
from tests.fuzz.rules_elementwise import joined

ONE = as_dim(1)


def nonempty(g: Generator, v: Var) -> bool:
    """Tell whether a variable has elements at the sizes of the program."""
    return all(d.at(g.sizes) > 0 for d in v.shape)


def axes_of(g: Generator, x: Var) -> tuple[int, ...]:
    """Draw some axes of a variable."""
    count = g.choice((1, 1, 1, min(2, x.rank), x.rank))
    return tuple(sorted(g.rng.sample(range(x.rank), count)))


def without(x: Var, axes: tuple[int, ...], keep: bool) -> Shape:
    """Return the shape of a reduction."""
    if keep:
        return tuple(ONE if i in axes else d for i, d in enumerate(x.shape))
    return tuple(d for i, d in enumerate(x.shape) if i not in axes)


def signed(g: Generator, axis: int, rank: int) -> int:
    """Return an axis, counted from the end in one of three cases."""
    return axis - rank if g.chance(0.33) else axis


def extent(g: Generator, x: Var, axes: tuple[int, ...]) -> int:
    """Return the number of elements along axes."""
    total = 1
    for a in axes:
        total *= max(x.shape[a].at(g.sizes), 1)
    return total


@rule(6)
def reduce(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    axes = axes_of(g, x)
    keep = g.chance(0.5)
    shape = without(x, axes, keep)
    dim: Any = tuple(signed(g, a, x.rank) for a in axes)
    count = extent(g, x, axes)
    kinds = ["sum", "sum", "mean", "mean", "amax", "amin", "logsumexp"] + (["var", "std"] if count > 1 else [])
    if len(axes) == 1:
        dim = dim[0]
        kinds += ["prod", "any", "all"]
    kind = g.choice(kinds)
    if len(axes) == x.rank and not keep and kind in ("sum", "mean") and g.chance(0.5):
        return g.emit(f"{{}}.{kind}()", x, shape=(), mag=x.mag * (count if kind == "sum" else 1))
    if kind in ("any", "all"):
        return g.emit(f"({{}} > 0).{kind}({{}}, keepdim={{}})", x, dim, keep, shape=shape, dtype="bool", mag=1.0)
    if kind == "prod":
        x = g.emit("torch.cos({})", x, mag=1.0) or x
        return g.emit("{}.prod({}, keepdim={})", x, dim, keep, shape=shape, mag=1.0)
    if kind in ("var", "std"):
        extra = g.choice(("", ", unbiased=False"))
        plus = " + 0.1" if kind == "std" else ""
        return g.emit(f"{{}}.var({{}}, keepdim={{}}{extra}){plus}", x, dim, keep, shape=shape, mag=x.mag**2)
    if kind in ("amax", "amin") and g.values == "special":
        # no NaN: torch's gradient of amax is then NaN everywhere, that of max goes to the NaN, as ours
        x = g.emit("torch.where({} == {}, {}, 0.5)", x, x, x) or x
    return g.emit(
        f"{{}}.{kind}({{}}, keepdim={{}})", x, dim, keep, shape=shape, mag=x.mag * (count if kind == "sum" else 1) + 3
    )


@rule(2)
def normalize(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    a = signed(g, g.rng.randrange(x.rank), x.rank)
    kind = g.rng.random()
    if kind < 0.4:
        return g.emit(
            g.choice(("{}.softmax({})", "torch.log_softmax({}, {})", "F.softmin({}, {})", "F.normalize({}, dim={})")),
            g.tame(x),
            a,
            mag=8.0,
        )
    if kind < 0.55:
        last = x.shape[-1].constant
        size = last if last is not None else x.shape[-1]
        return g.emit(g.choice(("F.layer_norm({}, ({},))", "F.rms_norm({}, ({},))")), x, size, mag=6.0)
    text = g.choice((
        "{} - {}.mean({}, keepdim=True)", "{} / (1.0 + {}.abs().sum({}, keepdim=True))", "{} - {}.amax({}, keepdim=True)",
        "{} * {}.sum({}, keepdim=True)", "{} - {}.sum({}, keepdim=True)", "{} / (1 + ({} ** 2).mean({}, keepdim=True)).sqrt()",
    ))  # fmt: skip
    x = g.tame(x)
    return g.emit(text, x, x, a, mag=x.mag * (1 + x.mag * extent(g, x, (a % x.rank,))))


@rule(2)
def running(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    if g.chance(0.6):
        return g.emit("{}.cumsum({})", x, signed(g, a, x.rank), mag=x.mag * extent(g, x, (a,)))
    if g.chance(0.3):
        return g.emit("torch.logcumsumexp({}, {})", g.tame(x), signed(g, a, x.rank), mag=15.0)
    return g.emit("torch.cumprod(torch.cos({}), {})", x, signed(g, a, x.rank), mag=1.0)


@rule(1)
def argument(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    keep = g.chance(0.3)
    text = g.choice(("{}.argmax({}, keepdim={})", "{}.argmin({}, keepdim={})"))
    return g.emit(text, x, signed(g, a, x.rank), keep, dtype="i64", shape=without(x, (a,), keep), mag=0.0, bound=x.shape[a])


@rule(0.7)
def largest(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    kind = g.choice(("max", "min"))
    return g.emit(f"{{}}.{kind}({{}})[0]", x, signed(g, a, x.rank), shape=without(x, (a,), False))


UNTIED = "torch.sin({}) * 3 + torch.cos(torch.arange({}.numel(), dtype={}.dtype)).reshape({}.shape)"
"""Which of equal elements torch's topk takes, and so where its gradient goes, is that of its algorithm."""


@rule(0.7)
def middle(g: Generator) -> Any:
    """Order statistics and sums that leave NaN out."""
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    if g.chance(0.3):
        return g.emit("torch.median({})", x, shape=())
    a = g.rng.randrange(x.rank)
    shape, dim = without(x, (a,), False), signed(g, a, x.rank)
    if g.chance(0.5):
        text = g.choice(("torch.nansum({}, {})", "torch.aminmax({}, dim={})[1]", "torch.median(torch.sin({}), {})[0]"))
        if "aminmax" in text and g.values == "special":
            return None
        return g.emit(text, x, dim, shape=shape, mag=x.mag * extent(g, x, (a,)) + 1)
    k = g.choice((1, 2))
    if x.shape[a].at(g.sizes) < k or (x.shape[a].constant is None and k > 1):
        return None
    shape = tuple(as_dim(k) if i == a else d for i, d in enumerate(x.shape))
    text = g.choice(("torch.topk({}, {}, dim={})[0]", "torch.topk({}, {}, dim={}, largest=False)[0]"))
    return g.emit(text, g.emit(UNTIED, x, x, x, x, mag=5.0) or x, k, dim, shape=shape, mag=5.0)


@rule(1)
def order(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    a, largest = g.rng.randrange(x.rank), g.chance(0.5)
    if g.chance(0.6):
        return g.emit("torch.sort({}, dim={}, descending={}, stable=True)[0]", x, signed(g, a, x.rank), largest)
    return g.emit("torch.sort({}, dim={}, descending={}, stable=True)[1]", x, signed(g, a, x.rank), largest,
                  dtype="i64", mag=0.0, bound=x.shape[a])  # fmt: skip


@rule(4)
def matmul(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    y = g.pick(
        lambda v: (
            v.dtype == x.dtype
            and v.rank > 0
            and v.shape[-2 if v.rank > 1 else -1] == x.shape[-1]
            and _batches(x, v) is not None
        )
    )
    if y is None:
        z = g.pick(lambda v: v.dtype == x.dtype and v.rank == 2 and v.shape[1] == x.shape[-1])
        y = z and g.emit("{}.T", z, shape=z.shape[::-1], owned=False)
        if y is None:
            return None
    batch = _batches(x, y)
    assert batch is not None
    shape = batch + (x.shape[-2:-1] if x.rank > 1 else ()) + (y.shape[-1:] if y.rank > 1 else ())
    return g.emit("{} @ {}", g.tame(x), g.tame(y), shape=shape, mag=min(x.mag, 8) * min(y.mag, 8) * extent(g, x, (x.rank - 1,)))


def _batches(x: Var, y: Var) -> Shape | None:
    return joined(x.shape[:-2], y.shape[:-2])


@rule(1.5)
def outer(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 1)
    y = x and g.pick(lambda v: v.dtype == x.dtype and v.rank == 1)
    if x is None or y is None:
        return None
    x, y = g.tame(x), g.tame(y)
    if g.chance(0.5):
        return g.emit("torch.outer({}, {})", x, y, shape=(*x.shape, *y.shape), mag=x.mag * y.mag)
    return g.emit(
        "{}[:, None] {} {}[None, :]", x, g.choice("+-*"), y, shape=(*x.shape, *y.shape), mag=x.mag * y.mag + x.mag + y.mag
    )


@rule(1)
def einsum(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 2)
    y = x and g.pick(lambda v: v.dtype == x.dtype and v.rank == 2 and v.shape[0] == x.shape[0])
    if x is None or y is None:
        return None
    x, y = g.tame(x), g.tame(y)
    spec, shape = g.choice((
        ("ij,ik->jk", (x.shape[1], y.shape[1])), ("ij,ik->i", (x.shape[0],)), ("ij,ik->ijk", (*x.shape, y.shape[1])),
        ("ij,ik->kj", (y.shape[1], x.shape[1])), ("ij,ik->", ()),
    ))  # fmt: skip
    if x.shape[0] == x.shape[1] and g.chance(0.4):
        spec, shape = g.choice((("ii,ik->k", y.shape[1:]), ("ii,ik->ik", y.shape), ("jj,ik->ik", y.shape)))
    return g.emit(f"torch.einsum('{spec}', {{}}, {{}})", x, y, shape=shape, mag=x.mag * y.mag * extent(g, x, (0, 1)))
