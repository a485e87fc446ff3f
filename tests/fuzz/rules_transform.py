"""Function transforms inside of programs: vmap, grad, jvp, vjp; custom functions."""

from __future__ import annotations

from typing import Any

from tests.fuzz.generate import Generator, dtype_text, rule, shape_text
from tests.fuzz.program import Block, Var
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
    body = _scalar(g, x, "loss")
    if body is None:
        return None
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
        options = {"shape": r.shape, "mag": 100.0, "owned": False}  # torch may return, and write into, the given tangent
        return g.emit("torch.func.jvp({}, ({},), ({}.clone(),))[1]", body, x, t, dtype=r.dtype, **options)
    args = (body, x, t, shape_text(r.shape), dtype_text(r.dtype))
    template = "torch.func.vjp({}, {}, {})[1](torch.ones(({}), dtype={}))[0]"
    return g.emit(template, *args, dtype=x.dtype, shape=x.shape, mag=100.0, owned=False)


@rule(0.7)
def jacobian(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 1 and v.shape[0].at(g.sizes) in range(1, 9))
    if not ready(g) or x is None:
        return None
    body = g.block("map", [renamed(g, x)], [None], g.choice((1, 2)), single=True)
    r = body.results[0]
    if r.rank > 1 or r.dtype != x.dtype:
        return None
    text = g.choice(("torch.func.jacrev({})({})", "torch.func.jacfwd({})({})"))
    return g.emit(text, body, x, dtype=x.dtype, shape=(*r.shape, *x.shape), mag=100.0)


POINTS = ("{}.clone()", "torch.ones_like({})", "torch.round({}) + 0.5")
"""Where second derivatives are taken: the inner function may read the point itself, so that operands are equal, and then
formulas that avoid overflow by a maximum are at its tie.  No zeros: there torch has NaN for the second derivative of a norm."""

CURVATURES = (
    "torch.func.hessian({})({})", "torch.func.jacrev(torch.func.grad({}))({})", "torch.func.jacfwd(torch.func.grad({}))({})",
)  # fmt: skip


@rule(0.9)
def curvature(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 1 and v.shape[0].at(g.sizes) in range(1, 7) and v.mag < 10)
    if not ready(g) or x is None:
        return None
    point = g.emit(g.choice(POINTS), x, mag=x.mag + 1) or x
    body = _scalar(g, point, "bowl")
    return body and g.emit(g.choice(CURVATURES), body, point, shape=x.shape * 2, mag=100.0)


def _scalar(g: Generator, x: Var, name: str) -> Block | None:
    """Return an inner function of a variable like x with one number as its result."""
    p = renamed(g, x)
    with g.inside([p]):
        g.run(g.choice((1, 2, 3)))
        r = g.some_float()
        total = g.emit(
            "({} * {}).sum()", g.tame(r), g.choice((0.5, r, p)) if r.shape == p.shape else 0.5, dtype=p.dtype, shape=()
        )
        stmts = tuple(g.stmts)
    g.count += 1
    return None if total is None else Block(f"{name}{g.count}", (p,), stmts, (total,), single=True)


SMOOTH = (
    "torch.logaddexp({}, {})", "torch.logaddexp2({}, {})", "torch.atan2({}, {})", "torch.hypot({}, {} + 3.0)",
    "F.binary_cross_entropy_with_logits({}, torch.sigmoid({}), reduction='none')",
    "F.softplus({} - {})", "F.logsigmoid({} - {})", "F.silu({} - {})",
    "F.kl_div({}, torch.sigmoid({}), reduction='none')", "F.mse_loss({}, {}, reduction='none')",
    "F.gelu({} - {})", "torch.erf({} - {})", "F.mish({} - {})", "torch.logsumexp(torch.stack(({}, {})), 0)",
    "torch.logcumsumexp(torch.stack(({}, {})), 0)[1]", "torch.softmax(torch.stack(({}, {})), 0)[0]",
)  # fmt: skip
"""Functions of two operands that are smooth where these are equal."""


@rule(0.6)
def tied_curvature(g: Generator) -> Any:
    """Return the second derivatives of a smooth function where its operands are equal."""
    x = g.float_of(lambda v: v.rank == 1 and v.shape[0].at(g.sizes) in range(1, 7) and v.mag < 5)
    if not ready(g) or x is None:
        return None
    point = g.emit(g.choice(POINTS), x, mag=x.mag + 1) or x
    p = renamed(g, point)
    with g.inside([p]):
        operands = g.choice(((p, point), (point, p), (p, p)))
        value = g.emit(g.choice(SMOOTH), *operands, mag=20.0)
        total = value and g.emit("({} * {}).sum()", value, g.choice((0.5, p, point)), dtype=p.dtype, shape=())
        stmts = tuple(g.stmts)
    g.count += 1
    if total is None:
        return None
    body = Block(f"tied{g.count}", (p,), stmts, (total,), single=True)
    return g.emit(g.choice(CURVATURES), body, point, shape=x.shape * 2, mag=100.0)


@rule(0.6)
def each_gradient(g: Generator) -> Any:
    """The gradient for each row: vmap of grad."""
    x = g.float_of(lambda v: v.rank > 0 and v.shape[0].at(g.sizes) > 0 and v.mag < 50)
    if not ready(g) or x is None:
        return None
    row = g.fresh(x.dtype, x.shape[1:], x.mag)
    body = _scalar(g, row, "row")
    return body and g.emit("torch.vmap(torch.func.grad({}))({})", body, x, dtype=x.dtype, shape=x.shape, mag=100.0)


CUSTOM = """type("Custom", (torch.autograd.Function,), {{
        "generate_vmap_rule": True,
        "forward": staticmethod(lambda x: {}),
        "setup_context": staticmethod(lambda ctx, inputs, output: ctx.save_for_backward(*inputs)),
        "backward": staticmethod(lambda ctx, g: g * ({})),
    }}).apply({{}})"""


@rule(0.8)
def custom(g: Generator) -> Any:
    """A function with its own derivative, which is right."""
    x = g.float_of(lambda v: v.mag < 50)
    if x is None:
        return None
    rows = (
        ("x * x", "2 * ctx.saved_tensors[0]"), ("torch.sin(x)", "torch.cos(ctx.saved_tensors[0])"),
        ("torch.tanh(x)", "1 - torch.tanh(ctx.saved_tensors[0]) ** 2"), ("x * 3.0", "3.0 + 0 * ctx.saved_tensors[0]"),
    )  # fmt: skip
    value, slope = g.choice(rows)
    return g.emit(CUSTOM.format(value, slope), x, mag=x.mag**2 + 3)
