"""Layers and losses: convolution, pooling, normalization, attention, embeddings, distances."""

from __future__ import annotations

from typing import Any

from tests.fuzz.dims import as_dim, ceil_div
from tests.fuzz.generate import Generator, rule
from tests.fuzz.program import Var
from tests.fuzz.rules_reduce import nonempty

LOSSES = (
    "F.mse_loss({}, {})", "F.l1_loss({}, {})", "F.smooth_l1_loss({}, {})", "F.huber_loss({}, {}, reduction='sum')",
    "F.binary_cross_entropy_with_logits({}, torch.sigmoid({}))", "F.kl_div({}, torch.sigmoid({}), reduction='sum')",
    "F.mse_loss({}, {}, reduction='none')", "F.soft_margin_loss({}, {})",
)  # fmt: skip


@rule(1)
def loss(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and nonempty(g, v))
    y = x and g.pick(lambda v: v.dtype == x.dtype and v.shape == x.shape)
    if x is None or y is None:
        return None
    text = g.choice(LOSSES)
    shape = x.shape if "none" in text else ()
    return g.emit(text, g.tame(x), g.tame(y), shape=shape, mag=300.0)


@rule(1)
def classes(g: Generator) -> Any:
    """The cross entropy of rows, with one class each."""
    x = g.float_of(lambda v: v.rank == 2 and nonempty(g, v))
    i = x and g.pick(lambda v: v.bound == x.shape[1] and v.shape == x.shape[:1])
    if x is None or i is None:
        return None
    if g.chance(0.3):
        return g.emit("F.one_hot({}, {})", i, x.shape[1], dtype="i64", shape=x.shape, mag=1.0)
    end, shape = g.choice(((", label_smoothing=0.1", ()), ("", ()), (", reduction='none'", x.shape[:1])))
    return g.emit(f"F.cross_entropy({{}}, {{}}{end})", g.tame(x), i, shape=shape, mag=20.0)


@rule(1.2)
def convolution(g: Generator) -> Any:
    """A convolution along the last axis with a kernel cut out of a variable."""
    x = g.float_of(lambda v: v.rank in (2, 3) and v.shape[-1].at(g.sizes) >= 3 and nonempty(g, v))
    w = x and g.float_of(lambda v: v.dtype == x.dtype and v.rank == 3 and v.shape[1] == x.shape[-2] and _kernel(g, v))
    if x is None or w is None:
        return None
    pad, stride, dilation = g.choice((0, 1, 2)), g.choice((1, 1, 2)), g.choice((1, 1, 2))
    size = w.shape[2].constant
    assert size is not None
    extent = ceil_div(x.shape[-1] + 2 * pad - (size - 1) * dilation, stride)
    if extent.at(g.sizes) < 1:
        return None
    shape = (*x.shape[:-2], w.shape[0], extent)
    mag = min(x.mag, 8) * min(w.mag, 8) * size * x.shape[-2].at(g.sizes)
    text = "F.conv1d({}, {}, padding={}, stride={}, dilation={})"
    return g.emit(text, g.tame(x), g.tame(w), pad, stride, dilation, shape=shape, mag=mag)


def _kernel(g: Generator, v: Var) -> bool:
    """Tell whether a variable can be a kernel: of a small fixed width."""
    return v.shape[2].constant in (1, 2, 3) and nonempty(g, v)


@rule(1)
def image(g: Generator) -> Any:
    """A convolution of an image with itself as one channel and a kernel of 3 by 3."""
    x = g.float_of(lambda v: v.rank == 2 and all(d.at(g.sizes) >= 3 for d in v.shape))
    w = x and g.float_of(lambda v: v.dtype == x.dtype and v.rank == 2 and all(d.at(g.sizes) >= 2 for d in v.shape))
    if x is None or w is None:
        return None
    x, w = g.tame(x), g.tame(w)
    if g.chance(0.5):
        shape = tuple(d - 1 for d in x.shape)
        return g.emit("F.conv2d({}[None, None], {}[None, None, :2, :2])[0, 0]", x, w, shape=shape, mag=4 * x.mag * w.mag)
    text = "F.conv2d({}[None, None], {}[None, None, :2, :1], padding=1)[0, 0]"
    return g.emit(text, x, w, shape=(x.shape[0] + 1, x.shape[1] + 2), mag=2 * x.mag * w.mag)


@rule(1)
def pool(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank in (2, 3) and v.shape[-1].at(g.sizes) >= 2 and nonempty(g, v))
    if x is None:
        return None
    kind = g.choice(("F.max_pool1d", "F.avg_pool1d"))
    if g.chance(0.5):
        return g.emit(f"{kind}({{}}, 2, 1)", x, shape=(*x.shape[:-1], x.shape[-1] - 1))
    if g.chance(0.4):
        return g.emit(f"{kind}({{}}, 3, 2, 1, ceil_mode=True)", x, shape=(*x.shape[:-1], ceil_div(x.shape[-1] + 1, 2)))
    return g.emit(f"{kind}({{}}, 2, 2)", x, shape=(*x.shape[:-1], ceil_div(x.shape[-1] - 1, 2)))


@rule(0.8)
def attention(g: Generator) -> Any:
    q = g.float_of(lambda v: v.rank in (2, 3) and nonempty(g, v))
    k = q and g.pick(
        lambda v: v.dtype == q.dtype and v.shape[:-2] == q.shape[:-2] and v.shape[-1:] == q.shape[-1:] and v.rank == q.rank
    )
    if q is None or k is None or not nonempty(g, k) or g.values == "special":  # torch masks by adding
        return None
    end = g.choice(("", ", is_causal=True"))
    q, k = g.tame(q), g.tame(k)
    return g.emit(f"F.scaled_dot_product_attention({{}}, {{}}, {{}}{end})", q, k, k)


@rule(0.8)
def embedding(g: Generator) -> Any:
    i = g.pick(lambda v: v.bound is not None and v.rank > 0)
    x = i and g.float_of(lambda v: v.rank == 2 and v.shape[0] == i.bound and nonempty(g, v))
    if i is None or x is None:
        return None
    return g.emit("F.embedding({}, {})", i, x, dtype=x.dtype, shape=(*i.shape, x.shape[1]), mag=x.mag)


@rule(0.8)
def distance(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 2 and nonempty(g, v))
    y = x and g.pick(lambda v: v.dtype == x.dtype and v.rank == 2 and v.shape[1] == x.shape[1])
    if x is None or y is None or x.name == y.name:
        return None
    if x.shape == y.shape:
        return g.emit(
            "F.cosine_similarity({} + 2.5, {} + 2.5, dim={})",  # torch's gradient is another one at lengths below eps
            g.tame(x),
            g.tame(y),
            g.choice((0, 1)) if x.shape[0] == x.shape[1] else 1,
            shape=x.shape[:1],
            mag=1.0,
        )
    return g.emit("(({}[:, None] - {}[None]) ** 2).sum(-1)", x, y, shape=(x.shape[0], y.shape[0]), mag=1e3)


@rule(0.8)
def normalized_layer(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank in (2, 3) and nonempty(g, v))
    if x is None:
        return None
    count = x.shape[1].at(g.sizes)
    if x.rank == 3 and x.shape[2].at(g.sizes) > 1 and g.chance(0.5):
        return g.emit("F.instance_norm({})", x, mag=6.0)
    if x.shape[0].at(g.sizes) > 1 and g.chance(0.5):
        return g.emit("F.batch_norm({}, None, None, training=True)", x, mag=6.0)
    return g.emit("F.group_norm({}, 1)", x, mag=6.0) if count > 1 else None


@rule(0.8)
def glu(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and v.shape[-1].constant in (2, 4, 6))
    if x is None:
        return None
    half = as_dim((x.shape[-1].constant or 0) // 2)
    return g.emit("F.glu({})", x, shape=(*x.shape[:-1], half))
