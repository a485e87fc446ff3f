"""Statements that read or add at indices."""

from __future__ import annotations

from typing import Any

from tests.fuzz.generate import Generator, rule
from tests.fuzz.program import Var


def indices(g: Generator, x: Var, axis: int) -> Var | None:
    """Return a vector of indices into an axis of x: one of the arguments, or a new one."""
    if x.shape[axis].at(g.sizes) == 0:
        return None
    found = g.pick(lambda v: v.bound == x.shape[axis] and v.rank == 1)
    if found is not None and g.chance(0.8):
        return found
    return None if g.depth else _new(g, x, axis)


def _new(g: Generator, x: Var, axis: int) -> Var | None:
    known = x.shape[axis].constant
    if known is not None:
        items = [g.rng.randrange(-known if g.chance(0.2) else 0, known) for _ in range(g.choice((1, 2, 3, 5)))]
        items = [i % known for i in items]
        return g.emit("torch.tensor({})", items, dtype="i64", shape=(len(items),), mag=0.0, bound=x.shape[axis])  # type: ignore[arg-type]
    d = x.shape[axis]
    text = g.choice(("torch.arange({}) // 2", "(torch.arange({}) * 3 + 1) % {}", "torch.arange({}).flip(0)"))
    return g.emit(text, *[d] * text.count("{}"), dtype="i64", shape=(d,), mag=0.0, bound=d)


@rule(3)
def take(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    i = indices(g, x, a)
    if i is None:
        return None
    shape = (*x.shape[:a], *i.shape, *x.shape[a + 1 :])
    if g.chance(0.6):
        return g.emit("torch.index_select({}, {}, {})", x, a, i, shape=shape)
    return g.emit(f"{{}}[{':, ' * a}{{}}]", x, i, shape=shape)


@rule(1.5)
def gather(g: Generator) -> Any:
    i = g.pick(lambda v: v.bound is not None and v.rank > 0)
    x = i and g.float_of(lambda v: v.rank == i.rank and any(d == i.bound for d in v.shape))
    if i is None or x is None:
        return None
    a = next(k for k, d in enumerate(x.shape) if d == i.bound)
    if x.shape[a].at(g.sizes) == 0 or any(k != a and d != e for k, (d, e) in enumerate(zip(x.shape, i.shape, strict=True))):
        return None
    return g.emit("torch.gather({}, {}, {})", x, a, i, shape=i.shape)


@rule(3)
def add_at(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    i = indices(g, x, a)
    if i is None:
        return None
    wanted = (*x.shape[:a], *i.shape, *x.shape[a + 1 :])
    y = g.pick(lambda v: v.dtype == x.dtype and v.shape == wanted)
    if y is None:
        y = g.emit("torch.index_select({}, {}, {}) * 0.5", x, a, i, shape=wanted)
    if y is None:
        return None
    if g.chance(0.7):
        return g.emit("torch.index_add({}, {}, {}, {})", x, a, i, y, mag=x.mag + 4 * y.mag)
    if x.rank == 1:
        return g.emit("torch.scatter_add({}, 0, {}, {})", x, i, y, mag=x.mag + 4 * y.mag)
    return g.emit("torch.index_fill({}, {}, {}, {})", x, a, i, g.number())


@rule(1.5)
def put_at(g: Generator) -> Any:
    """Replace or add at indices, which may repeat where they add, and at a mask."""
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    p = g.pick(lambda v: v.dtype == "bool" and v.rank > 0 and v.shape == x.shape[: v.rank])
    if p is not None and g.chance(0.5):
        return g.emit("torch.index_put({}, ({},), torch.tensor({}, dtype={}.dtype))", x, p, g.number(), x)
    i = indices(g, x, 0)
    if i is None:
        return None
    shape = (*i.shape, *x.shape[1:])
    y = g.pick(lambda v: v.dtype == x.dtype and v.shape == shape) or g.emit("torch.sin({}[{}])", x, i, shape=shape, mag=1.0)
    if y is None:
        return None
    index = f"{{}} - {x.shape[0].constant}" if x.shape[0].constant is not None and g.chance(0.3) else "{}"
    if g.chance(0.7):
        text = f"torch.index_put({{}}, ({index},), {{}}, accumulate=True)"
        return g.emit(text, x, i, y, mag=x.mag + 4 * y.mag)
    text = "torch.index_put({}, ({},), torch.tensor({}, dtype={}.dtype))"
    return g.emit(text, x, i, g.number(), x)


@rule(0.7)
def along(g: Generator) -> Any:
    """Take the elements in the order of another variable."""
    x = g.float_of(lambda v: v.rank > 0 and all(d.at(g.sizes) > 0 for d in v.shape))
    y = x and g.pick(lambda v: v.is_float and v.shape == x.shape)
    if x is None or y is None:
        return None
    a = g.rng.randrange(x.rank)
    text = "torch.take_along_dim({}, torch.sort({}, dim={}, stable=True)[1], {})"
    return g.emit(text, x, y, a, a)


@rule(1)
def mask_pick(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    p = x and g.pick(lambda v: v.dtype == "bool" and v.shape == x.shape)
    if x is None or p is None:
        return None
    return g.emit("torch.where({}, {}, {}.flip(0)).sum(0)", p, x, x, shape=x.shape[1:], dtype=x.dtype, mag=x.mag * 20)
