"""Statements that write in place, through views of views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.fuzz.generate import Generator, rule
from tests.fuzz.program import Var
from tests.fuzz.rules_elementwise import joined
from tests.fuzz.rules_index import indices
from tests.fuzz.rules_shape import an_index


def target(g: Generator) -> Var | None:
    """Return a variable that may be written to: a clone, as a rule a new one."""
    found = [v for v in g.vars if v.owned and v.is_float and v.rank > 0]
    if found and g.chance(0.6):
        return g.choice(found[-3:])
    x = g.float_of(lambda v: v.rank > 0)
    return x and g.emit("{}.clone()", x)


def value(g: Generator, shape: Any, dtype: str) -> Any:
    """Return something that can be written to a shape: a number or a variable."""
    y = g.pick(lambda v: v.dtype == dtype and joined(v.shape, shape) == tuple(shape))
    return y if y is not None and g.chance(0.75) else g.number()


def louder(g: Generator, x: Var, mag: float) -> None:
    """Note that the numbers of x, and of all that shares its memory, may be as large as `mag`."""
    g.vars = [replace(v, mag=max(v.mag, mag)) if v.owned and v.dtype == x.dtype else v for v in g.vars]


@rule(5)
def assign(g: Generator) -> Any:
    x = target(g)
    if x is None:
        return
    text, shape = an_index(g, x)
    if "None" in text or not g.fits(shape):
        return
    y = value(g, shape, x.dtype)
    mag = y.mag if isinstance(y, Var) else abs(y)
    kind = g.rng.random()
    if kind < 0.5:
        g.do(f"{{}}[{text}] = {{}}", x, y)
    elif kind < 0.7:
        g.do(f"{{}}[{text}] += {{}}", x, y)
    elif kind < 0.8:
        y = g.tame(y) if isinstance(y, Var) else y
        g.do(f"{{}}[{text}] *= {{}}", x, y)
        mag *= x.mag
    else:
        g.do(
            f"{{}}[{text}] = {{}}[{text}].{{}}",
            x,
            x,
            g.choice(("tanh()", "mean()", "sum()", "cos()", "flip(0)" if shape else "exp2()")),
        )
        mag = x.mag * 30
    louder(g, x, x.mag + mag)


@rule(2)
def method(g: Generator) -> Any:
    x = target(g)
    if x is None:
        return
    y = value(g, x.shape, x.dtype)
    mag = y.mag if isinstance(y, Var) else abs(y)
    if g.chance(0.3):
        g.do(g.choice(("{}.tanh_()", "{}.sin_()", "{}.relu_()", "{}.neg_()", "{}.clamp_(-1.0, 1.0)", "{}.abs_()")), x)
        return
    if g.chance(0.2):
        p = g.pick(lambda v: v.dtype == "bool" and joined(v.shape, x.shape) == x.shape)
        if p is not None:
            g.do("{}.masked_fill_({}, {})", x, p, g.number())
            louder(g, x, x.mag + 3)
        return
    text = g.choice(("{}.add_({})", "{}.sub_({})", "{}.mul_({})", "{}.copy_({})" if isinstance(y, Var) else "{}.fill_({})"))
    if "mul" in text and isinstance(y, Var):
        y = g.tame(y)
    g.do(text, x, y)
    louder(g, x, x.mag * max(mag, 1.0) + mag)


@rule(1.5)
def mask_write(g: Generator) -> Any:
    x = target(g)
    p = x and g.pick(lambda v: v.dtype == "bool" and v.shape == x.shape)
    if x is None or p is None:
        return
    g.do("{}[{}] = {}", x, p, g.number())
    louder(g, x, x.mag + 3)


@rule(1.5)
def indexed_write(g: Generator) -> Any:
    x = target(g)
    i = x and indices(g, x, 0)
    if x is None or i is None:
        return
    kind = g.rng.random()
    if kind < 0.4:
        g.do("{}[{}] = {}", x, i, g.number())
    elif kind < 0.7:
        g.do("{}.index_fill_(0, {}, {})", x, i, g.number())
    else:
        wanted = (*i.shape, *x.shape[1:])
        y = g.pick(lambda v: v.dtype == x.dtype and v.shape == wanted) or g.emit(
            "torch.index_select({}, 0, {}) * 0.5", x, i, shape=wanted
        )
        if y is None:
            return
        g.do("{}.index_add_(0, {}, {})", x, i, y)
    louder(g, x, x.mag * 5 + 3)
