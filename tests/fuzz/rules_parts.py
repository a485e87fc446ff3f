"""Statements with several results, and indexing by tensors where a view is meant."""

from __future__ import annotations

from typing import Any

from tests.fuzz.dims import as_dim
from tests.fuzz.generate import Generator, Shape, rule
from tests.fuzz.program import Stmt, Var
from tests.fuzz.rules_reduce import nonempty, signed, without


def several(
    g: Generator, template: str, args: tuple[Any, ...], types: list[tuple[str, Shape]], like: Var, **options: Any
) -> Var | None:
    """Append a statement with several results."""
    if not all(g.fits(shape) for _, shape in types):
        return None
    out = tuple(g.fresh(dtype, shape, like.mag, **options) for dtype, shape in types)
    g.stmts.append(Stmt(out, template, args))
    g.vars += out
    return g.choice(out)


@rule(1.5)
def split(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0 and any((d.constant or 0) in (2, 3, 4) for d in v.shape))
    if x is None:
        return None
    a = next(i for i, d in enumerate(x.shape) if (d.constant or 0) in (2, 3, 4))
    count = x.shape[a].constant or 0
    if g.chance(0.5):
        types = [(x.dtype, (*x.shape[:a], *x.shape[a + 1 :]))] * count
        return several(g, "torch.unbind({}, {})", (x, signed(g, a, x.rank)), types, x, owned=x.owned, bound=x.bound)
    types = [(x.dtype, (*x.shape[:a], as_dim(1), *x.shape[a + 1 :]))] * count
    text = g.choice(("torch.split({}, 1, {})", f"torch.chunk({{}}, {count}, {{}})"))
    return several(g, text, (x, a), types, x, owned=x.owned, bound=x.bound)


@rule(1)
def cut(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0 and v.shape[0].at(g.sizes) > 2)
    if x is None:
        return None
    c = g.choice((1, 2))
    types = [(x.dtype, (as_dim(c), *x.shape[1:])), (x.dtype, (x.shape[0] - c, *x.shape[1:]))]
    return several(g, "torch.split({}, [{}, {}])", (x, c, x.shape[0] - c), types, x, owned=x.owned, bound=x.bound)


@rule(1)
def both(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    shape = without(x, (a,), False)
    kind = g.rng.random()
    if kind < 0.4 and x.shape[a].at(g.sizes) > 1 and g.values != "special":  # torch's means of infinities are NaN
        return several(g, "torch.var_mean({}, {})", (g.tame(x), a), [(x.dtype, shape)] * 2, x, owned=True)
    if kind < 0.6:
        return several(g, "torch.aminmax({}, dim={})", (x, a), [(x.dtype, shape)] * 2, x, owned=True)
    value, index = g.fresh(x.dtype, shape, x.mag, owned=True), g.fresh("i64", shape, 0.0, bound=x.shape[a], owned=True)
    g.stmts.append(Stmt((value, index), g.choice(("torch.max({}, {})", "torch.min({}, {})")), (x, signed(g, a, x.rank))))
    g.vars += [value, index]
    return value


def number_in(g: Generator, x: Var, axis: int) -> Var | None:
    """Return a 0-d index into an axis of a variable."""
    found = g.pick(lambda v: v.bound == x.shape[axis] and v.rank == 0)
    if found is not None:
        return found
    size = x.shape[axis]
    return (
        g.emit("torch.tensor({}) % {}", g.rng.randrange(5), size, dtype="i64", shape=(), mag=0.0, bound=size)
        if size.at(g.sizes)
        else None
    )


@rule(1.5)
def at_tensor(g: Generator) -> Any:
    """Index by a 0-d tensor, which is a view."""
    x = g.pick(lambda v: v.rank > 0)
    k = x and number_in(g, x, 0)
    if x is None or k is None:
        return None
    return g.emit(g.choice(("{}[{}]", "{}.select(0, {})")), x, k, shape=x.shape[1:], bound=x.bound, owned=x.owned)


@rule(1)
def write_at_tensor(g: Generator) -> Any:
    x = next((v for v in reversed(g.vars) if v.owned and v.is_float and v.rank > 0), None)
    k = x and number_in(g, x, 0)
    if x is None or k is None:
        return
    g.do(g.choice(("{}[{}] = {}", "{}[{}] += {}", "{}[{}] *= {}", "{}[{}].fill_({})")), x, k, g.number())


@rule(0.8)
def count(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    return g.emit("torch.count_nonzero({}, {})", x, a, dtype="i64", shape=without(x, (a,), False), mag=40.0)


@rule(0.8)
def integer_sum(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0 and v.dtype in ("i32", "i64", "bool", "u8") and v.bound is None)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)
    text = g.choice(("{}.sum({})", "{}.cumsum({})"))
    shape = x.shape if "cum" in text else without(x, (a,), False)
    return g.emit(text, x, a, dtype="i64", shape=shape, mag=40 * x.mag)
