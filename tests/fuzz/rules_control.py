"""Branches and loops, nested in each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.fuzz.generate import Generator, rule
from tests.fuzz.program import Block, Stmt, Var

DEPTH = 2


def ready(g: Generator) -> bool:
    """Tell whether one more inner function is within bounds."""
    return g.depth < DEPTH and g.control < 4


def renamed(g: Generator, x: Var, **options: Any) -> Var:
    """Return a parameter of an inner function like a variable."""
    g.count += 1
    return replace(x, name=f"x{g.count}", mag=max(x.mag, 3.0), owned=False, **options)


@rule(1.2)
def branch(g: Generator) -> Any:
    x = g.float_of(lambda v: v.mag < 100)
    if not ready(g) or x is None:
        return None
    wanted = renamed(g, x)
    arms = [g.block("arm", [renamed(g, x)], [wanted], g.choice((1, 2, 3)), single=True) for _ in range(2)]
    test = (
        g.choice(("{}.sum() > {}", "({} > {}).any()", "{}.abs().amax() < {}"))
        if all(d.at(g.sizes) for d in x.shape)
        else "{}.sum() > {}"
    )
    return g.emit(f"torch.cond({test}, {{}}, {{}}, ({{}},))", x, g.choice((0.0, 0.5, 2.0)), *arms, x, mag=wanted.mag)


@rule(1.5)
def scan(g: Generator) -> Any:
    xs = g.float_of(lambda v: v.rank > 0 and v.shape[0].at(g.sizes) <= 40)
    if not ready(g) or xs is None:
        return None
    init = g.float_of(lambda v: v.dtype == xs.dtype and (v.shape == xs.shape[1:] or g.chance(0.3)))
    if init is None:
        return None
    init = g.tame(init)
    carry, item = renamed(g, init), renamed(g, xs, shape=xs.shape[1:])
    body = g.block("body", [carry, item], [carry, None], g.choice((1, 2, 3, 4)))
    y = body.results[1]
    reverse = g.chance(0.3)
    last, ys = g.fresh(init.dtype, init.shape, carry.mag), g.fresh(y.dtype, (xs.shape[0], *y.shape), y.mag)
    if not g.fits(ys.shape):
        return None
    return _two(g, "torch.scan({}, {}, {}, reverse={})", (body, init, xs, reverse), last, ys)


def _two(g: Generator, template: str, args: tuple[Any, ...], last: Var, ys: Var) -> Var:
    g.stmts.append(Stmt((last, ys), template, args))
    g.vars += [last, ys]
    return ys


@rule(1)
def counted(g: Generator) -> Any:
    x = g.float_of(lambda v: v.mag < 100)
    if not ready(g) or x is None:
        return None
    x = g.tame(x)
    g.count += 1
    i, carry = Var(f"i{g.count}", "i64", (), 9.0), renamed(g, x)
    body = g.block("turn", [i, carry], [carry], g.choice((1, 2, 3)), single=True)
    return g.emit("torch.fori_loop(0, {}, {}, {})", g.choice((0, 1, 2, 3, 5)), body, x, mag=carry.mag)


@rule(1)
def repeated(g: Generator) -> Any:
    x = g.float_of(lambda v: v.mag < 100)
    if not ready(g) or x is None:
        return None
    x = g.tame(x)
    g.count += 1
    i, carry = Var(f"i{g.count}", "i64", (), 9.0), renamed(g, x)
    more = "(lambda c, x: (c < {}) & (x.abs().sum() < 50.0))" if g.chance(0.3) else "(lambda c, x: c < {})"
    with g.inside([i, carry]):
        g.run(g.choice((1, 2, 3)))
        state = g.like(carry)
        following = g.emit("{} + 1", i)
        stmts = tuple(g.stmts)
    g.count += 1
    body = Block(f"step{g.count}", (i, carry), stmts, (following, state))
    return g.emit(
        f"torch.while_loop({more}, {{}}, (torch.tensor(0), {{}}))[1]",
        g.choice((1, 2, 4)),
        body,
        x,
        dtype=x.dtype,
        shape=x.shape,
        mag=carry.mag,
    )
