"""Function transforms inside of programs: vmap, grad, jvp, vjp; custom functions."""

from __future__ import annotations

from typing import Any

from tests.fuzz.generate import Generator, dtype_text, rule, shape_text
from tests.fuzz.program import Block
from tests.fuzz.rules_control import ready, renamed


@rule(1.5)
def batched(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and v.shape[0].at(g.sizes) > 0)
    if not ready(g) or x is None:
        return None
    y = g.float_of(lambda v: v.rank > 0 and v.shape[0] == x.shape[0]) if g.chance(0.4) else None
    given = [x] if y is None else [x, y]
    body = g.block("each", [renamed(g, v, shape=v.shape[1:]) for v in given], [None], g.choice((1, 2, 3)), single=True)
    r = body.results[0]
    words = ", ".join(["{}"] * len(given))
    return g.emit(f"torch.vmap({{}})({words})", body, *given, dtype=r.dtype, shape=(x.shape[0], *r.shape), mag=r.mag)


@rule(1)
def gradient(g: Generator) -> Any:
    x = g.float_of(lambda v: v.mag < 50)
    if not ready(g) or x is None:
        return None
    p = renamed(g, x)
    with g.inside([p]):
        g.run(g.choice((1, 2, 3)))
        r = g.some_float()
        total = g.emit("({} * {}).sum()", g.tame(r), 0.5, shape=())
        stmts = tuple(g.stmts)
    if total is None:
        return None
    g.count += 1
    body = Block(f"loss{g.count}", (p,), stmts, (total,), single=True)
    return g.emit("torch.func.grad({})({})", body, x, dtype=x.dtype, shape=x.shape, mag=100.0)


@rule(0.8)
def pushed(g: Generator) -> Any:
    x = g.float_of(lambda v: v.mag < 50)
    t = x and g.pick(lambda v: v.dtype == x.dtype and v.shape == x.shape and v.mag < 50)
    if not ready(g) or x is None or t is None:
        return None
    forward = g.chance(0.6)
    params = [renamed(g, x)] if forward else [renamed(g, x), renamed(g, x)]
    body = g.block("along", params, [None], g.choice((1, 2, 3)), single=True)
    r = body.results[0]
    if forward:
        return g.emit("torch.func.jvp({}, ({},), ({},))[1]", body, x, t, dtype=r.dtype, shape=r.shape, mag=100.0)
    args = (body, x, t, shape_text(r.shape), dtype_text(r.dtype))
    template = "torch.func.vjp({}, {}, {})[1](torch.ones(({}), dtype={}))[0]"
    return g.emit(template, *args, dtype=x.dtype, shape=x.shape, mag=100.0)
