"""Statements that move elements."""

from __future__ import annotations

from typing import Any

from tests.fuzz.dims import Dim, as_dim, ceil_div, numel
from tests.fuzz.generate import Generator, Shape, rule, shape_text
from tests.fuzz.program import Var
from tests.fuzz.rules_reduce import signed

ONE = as_dim(1)


def a_slice(g: Generator, d: Dim) -> tuple[str, Dim]:
    """Draw a slice of an axis: its text, and the extent that it leaves."""
    known = d.at(g.sizes)
    kind = g.rng.random()
    if kind < 0.3 or known < 1:
        return ":", d
    cut = g.choice((1, 1, 1, 2, 3))
    if known <= cut:
        return g.choice(((":", d), ("::2", ceil_div(d, 2)), (":1", ONE)))
    if kind < 0.8:
        choices = [(f"{cut}:", d - cut), (f":-{cut}", d - cut), (f":{cut}", as_dim(cut)), (f"-{cut}:", as_dim(cut))]
        if known > 2 * cut:
            choices.append((f"{cut}:-{cut}", d - 2 * cut))
        return g.choice(choices)
    step = g.choice((2, 2, 3))
    return g.choice(((f"::{step}", ceil_div(d, step)), (f"{cut}::{step}", ceil_div(d - cut, step))))


def an_index(g: Generator, x: Var) -> tuple[str, Shape]:
    """Draw basic indexing of a variable: its text, and the shape that it leaves."""
    words, shape = [], []
    for d in x.shape[: g.rng.randint(1, x.rank)]:
        if g.chance(0.25) and d.at(g.sizes) > 0:
            words.append(g.choice(("0", "-1")))
            continue
        word, left = a_slice(g, d)
        words.append(word)
        shape.append(left)
    shape += x.shape[len(words) :]
    if g.chance(0.1):
        return f"{', '.join(words)}, None" if len(words) == x.rank else "None, " + ", ".join(words), (
            (*shape, ONE) if len(words) == x.rank else (ONE, *shape)
        )
    return ", ".join(words), tuple(shape)


@rule(6)
def index(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0)
    if x is None:
        return None
    text, shape = an_index(g, x)
    return g.emit(f"{{}}[{text}]", x, shape=shape, bound=x.bound, owned=x.owned)


@rule(3)
def pad(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0)
    if x is None:
        return None
    count = min(x.rank, g.choice((1, 1, 2)))
    amounts = [g.choice((0, 1, 1, 2, 3, 5, 10)) for _ in range(2 * count)]
    shape = list(x.shape)
    for i in range(count):
        before, after = amounts[2 * i : 2 * i + 2]
        if g.chance(0.1) and shape[-1 - i].at(g.sizes) > 1:
            before = amounts[2 * i] = -1
        shape[-1 - i] = shape[-1 - i] + before + after
    value = g.choice(("", "", ", value=1.0", ", value=-0.5"))
    return g.emit(f"F.pad({{}}, {{}}{value})", x, tuple(amounts), shape=tuple(shape), mag=x.mag + 1)


@rule(3)
def turn(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0)
    if x is None:
        return None
    a = signed(g, g.rng.randrange(x.rank), x.rank)
    if g.chance(0.5):
        return g.emit("{}.flip({})", x, a, bound=x.bound)
    return g.emit("{}.roll({}, {})", x, g.choice((1, -1, 2, -2, 3, 7)), a, bound=x.bound)


@rule(4)
def join(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0)
    if x is None:
        return None
    a = g.rng.randrange(x.rank)

    def fits(v: Var) -> bool:
        return v.dtype == x.dtype and v.rank == x.rank and all(v.shape[i] == x.shape[i] for i in range(x.rank) if i != a)

    parts = [x, *(g.pick(fits) for _ in range(g.choice((1, 1, 1, 2, 3))))]
    g.rng.shuffle(parts)
    total = as_dim(0)
    for v in parts:
        assert v is not None
        total = total + v.shape[a]
    shape = (*x.shape[:a], total, *x.shape[a + 1 :])
    words = ", ".join(["{}"] * len(parts))
    mag = max(v.mag for v in parts if v is not None)
    return g.emit(f"torch.cat([{words}], {{}})", *parts, signed(g, a, x.rank), shape=shape, mag=mag)


@rule(2)
def rotate_by_parts(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0 and v.shape[0].at(g.sizes) > 3)
    if x is None:
        return None
    c = g.choice((1, 2, 3))
    return g.emit("torch.cat([{}[{}:], {}[:{}]])", x, c, x, c, bound=x.bound)


@rule(2)
def stack(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank < 3)
    if x is None:
        return None
    parts = [x, *(g.pick(lambda v: v.dtype == x.dtype and v.shape == x.shape) for _ in range(g.choice((1, 1, 2))))]
    a = g.rng.randint(0, x.rank)
    shape = (*x.shape[:a], as_dim(len(parts)), *x.shape[a:])
    mag = max(v.mag for v in parts if v is not None)
    return g.emit(f"torch.stack([{', '.join(['{}'] * len(parts))}], {{}})", *parts, a, shape=shape, mag=mag)


@rule(4)
def transpose(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 1)
    if x is None:
        return None
    order = list(range(x.rank))
    g.rng.shuffle(order)
    if x.rank == 2 and g.chance(0.6):
        return g.emit("{}.T", x, shape=x.shape[::-1], bound=x.bound, owned=x.owned)
    return g.emit("{}.permute({})", x, tuple(order), shape=tuple(x.shape[i] for i in order), bound=x.bound, owned=x.owned)


@rule(4)
def reshape(g: Generator) -> Any:
    x = g.pick()
    if x is None:
        return None
    kind = g.rng.random()
    if kind < 0.35:
        a = g.rng.randint(0, x.rank)
        text = g.choice(("{}.unsqueeze({})", "torch.unsqueeze({}, {})"))
        return g.emit(text, x, a, shape=(*x.shape[:a], ONE, *x.shape[a:]), bound=x.bound, owned=x.owned) if x.rank < 4 else None
    if kind < 0.5:
        found = [i for i, d in enumerate(x.shape) if d == ONE]
        a = g.choice(found) if found else None
        return (
            None
            if a is None
            else g.emit("{}.squeeze({})", x, a, shape=x.shape[:a] + x.shape[a + 1 :], bound=x.bound, owned=x.owned)
        )
    if kind < 0.65 and x.rank > 1:
        return g.emit("{}.reshape(-1)", x, shape=(numel(x.shape),), bound=x.bound, owned=False)
    if kind < 0.8 and x.rank > 1:
        a = g.rng.randrange(x.rank - 1)
        shape = (*x.shape[:a], x.shape[a] * x.shape[a + 1], *x.shape[a + 2 :])
        return g.emit("{}.flatten({}, {})", x, a, a + 1, shape=shape, bound=x.bound, owned=False)
    if x.rank > 1:  # the same elements under another shape
        shape = (*x.shape[1:], x.shape[0])
        return g.emit("{}.reshape({})", x, shape_text(shape), shape=shape, bound=x.bound, owned=False)
    return None


@rule(2)
def unflatten(g: Generator) -> Any:
    x = g.pick(
        lambda v: (
            v.rank > 0 and any(len(d.terms) == 1 and (len(d.terms[0][0]) > 1 or d.terms[0][1] in (2, 3, 4, 6)) for d in v.shape)
        )
    )
    if x is None:
        return None
    a = next(
        i for i, d in enumerate(x.shape) if len(d.terms) == 1 and (len(d.terms[0][0]) > 1 or d.terms[0][1] in (2, 3, 4, 6))
    )
    (monomial, c) = x.shape[a].terms[0]
    if len(monomial) > 1:
        first, second = as_dim(monomial[0]), Dim(((monomial[1:], c),))
    else:
        first = as_dim(2 if c in (2, 4, 6) else 3)
        second = Dim(((monomial, c // (2 if c in (2, 4, 6) else 3)),))
    if g.chance(0.5):
        first, second = second, first
    shape = (*x.shape[:a], first, second, *x.shape[a + 1 :])
    return g.emit("{}.reshape({})", x, shape_text(shape), shape=shape, bound=x.bound, owned=False)


@rule(2)
def expand(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank < 3)
    if x is None:
        return None
    new = g.choice((as_dim(2), as_dim(3), g.dim()))
    shape = (new, *(new if d == ONE and g.chance(0.5) else d for d in x.shape))
    return g.emit("{}.expand({})", x, shape_text(shape), shape=shape, bound=x.bound, owned=False)


@rule(1)
def repeat(g: Generator) -> Any:
    x = g.pick(lambda v: v.rank > 0)
    if x is None:
        return None
    if g.chance(0.4):
        a = g.rng.randrange(x.rank)
        shape = (*x.shape[:a], x.shape[a] * 2, *x.shape[a + 1 :])
        return g.emit("torch.repeat_interleave({}, 2, {})", x, a, shape=shape, bound=x.bound)
    times = tuple(g.choice((1, 2, 3)) for _ in x.shape)
    return g.emit(
        "torch.tile({}, {})", x, times, shape=tuple(d * t for d, t in zip(x.shape, times, strict=True)), bound=x.bound
    )


@rule(1.5)
def triangle(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 1)
    return x and g.emit(g.choice(("torch.tril({}, {})", "torch.triu({}, {})")), x, g.choice((0, 0, 1, -1, 2)))


@rule(1)
def diagonal(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank == 2 and v.shape[0] == v.shape[1])
    if x is not None and g.chance(0.6):
        return g.emit(g.choice(("torch.diagonal({})", "{}.diagonal()", "torch.diag({})")), x, shape=x.shape[:1], owned=False)
    y = g.float_of(lambda v: v.rank == 1)
    return y and g.emit("torch.diag_embed({})", y, shape=y.shape * 2)


@rule(1)
def windows(g: Generator) -> Any:
    x = g.float_of(lambda v: v.rank > 0 and v.shape[-1].at(g.sizes) >= 3)
    if x is None:
        return None
    shape = (*x.shape[:-1], x.shape[-1] - 2, as_dim(3))
    return g.emit("{}.unfold({}, 3, 1)", x, g.choice((-1, x.rank - 1)), shape=shape, owned=False)
