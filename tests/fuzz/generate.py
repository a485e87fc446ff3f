"""The generator: draws typed programs.  What a statement may be is in the tables of the `rules_*` modules."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any

from tests.fuzz.dims import Dim, as_dim
from tests.fuzz.program import Block, Extents, Program, Stmt, Var

__all__ = ["RULES", "Generator", "Shape", "generate", "rule"]

Shape = tuple[Dim, ...]
Rule = Callable[["Generator"], Any]

RULES: list[tuple[Rule, float, str]] = []
"""What a statement may be: a function that emits one or does nothing where nothing fits, its weight and its topic."""

ALIKE, SWARM = (1.0,), (0.0, 0.2, 1.0, 1.0, 5.0)
"""What the weights of rules are multiplied by: most programs have many statements of a few kinds, which meet then."""

LIMIT = 6000
"""Elements of a value at the largest sizes of its program."""

EXTENTS = (1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 31, 32, 33, 40)
LARGE = (64, 100, 129, 200, 400, 990)


def rule(weight: float = 1.0, topic: str = "") -> Callable[[Rule], Rule]:
    """Enter a rule into the table."""

    def enter(f: Rule) -> Rule:
        RULES.append((f, weight, topic or f.__module__.rpartition("_")[2]))
        return f

    return enter


class Generator:
    """One program in the making: variables in scope, statements so far, a budget of further ones."""

    def __init__(self, seed: int, weights: dict[str, float] | None = None) -> None:
        self.rng = random.Random(seed)
        self.names = ["m", "n", "k"][: self.rng.choice((1, 2, 2, 2, 3))]
        self.sizes = self.draw_sizes()
        self.vars: list[Var] = []
        self.stmts: list[Stmt] = []
        self.outer: list[Var] = []
        self.depth = 0
        self.count = 0
        self.control = 0
        self.values = self.choice(("normal",) * 6 + ("integers", "integers", "ones", "special"))
        factors = weights or {}
        swarm = self.choice((ALIKE, SWARM, SWARM))
        self.weights = [w * factors.get(topic, 1.0) * self.choice(swarm) for _, w, topic in RULES]

    # -- chance ---------------------------------------------------------------------------------------------

    def draw_sizes(self) -> dict[str, int]:
        """Draw a number for each size; one of them may be large."""
        sizes = {n: self.rng.choice(EXTENTS) for n in self.names}
        if self.chance(0.2):
            sizes = dict.fromkeys(self.names, self.rng.choice(EXTENTS))
        if self.chance(0.08):
            sizes[self.rng.choice(self.names)] = self.rng.choice(LARGE)
        if self.chance(0.02):
            sizes[self.rng.choice(self.names)] = 0
        return sizes

    def chance(self, p: float) -> bool:
        """Return True with a probability."""
        return self.rng.random() < p

    def choice(self, items: Sequence[Any]) -> Any:
        """Return one of the items."""
        return self.rng.choice(items)

    def number(self) -> float:
        """Draw a Python float, often a round one."""
        return self.rng.choice((0.5, 2.0, -1.0, 3.0, 0.25, 1.0, -0.5, 1.5, 0.1, 0.3, -1.7))

    def dim(self) -> Dim:
        """Draw an extent: a size or a small number."""
        return as_dim(self.choice(self.names)) if self.chance(0.75) else as_dim(self.choice((1, 2, 3, 4)))

    # -- variables --------------------------------------------------------------------------------------------

    def pick(self, test: Callable[[Var], bool] = lambda v: True) -> Var | None:
        """Return a variable for which `test` holds, late ones more often; None if there is none."""
        found = [v for v in [*self.outer, *self.vars] if test(v)]
        return found[-1 - min(int(self.rng.expovariate(0.5)), len(found) - 1)] if found else None

    def float_of(self, test: Callable[[Var], bool] = lambda v: True) -> Var | None:
        """Return a float variable for which `test` holds."""
        return self.pick(lambda v: v.is_float and test(v))

    def fits(self, shape: Shape) -> bool:
        """Tell whether a value of this shape is small enough and has no negative extent."""
        extents = [d.at(self.sizes) for d in shape]
        return all(e >= 0 for e in extents) and prod(extents) <= LIMIT

    def fresh(self, dtype: str, shape: Shape, mag: float = 2.0, **options: Any) -> Var:
        """Return a variable with a new name, not in scope yet."""
        self.count += 1
        return Var(f"v{self.count}", dtype, tuple(map(as_dim, shape)), min(mag, 1e30), **options)

    def emit(
        self, template: str, *args: Any, dtype: str = "", shape: Shape | None = None, mag: float | None = None, **options: Any
    ) -> Var | None:
        """Append a statement with one result, like the first argument where nothing else is said."""
        like = next((a for a in args if isinstance(a, Var)), None)
        assert like is not None or (dtype and shape is not None)
        dtype = dtype or like.dtype  # type: ignore[union-attr]
        shape = like.shape if shape is None else shape  # type: ignore[union-attr]
        if not self.fits(tuple(map(as_dim, shape))):
            return None
        mag = (like.mag if like else 2.0) if mag is None else mag
        out = self.fresh(dtype, shape, mag, **{"owned": True, **options})
        self.stmts.append(Stmt((out,), template, args))
        self.vars.append(out)
        return out

    def do(self, template: str, *args: Any) -> None:
        """Append a statement without a result."""
        self.stmts.append(Stmt((), template, args))

    def tame(self, x: Var) -> Var:
        """Return x, or something of the same type with small numbers where those of x may be large."""
        return x if x.mag <= 8 else self.emit("torch.tanh({})", x, mag=1.0) or x

    # -- blocks -------------------------------------------------------------------------------------------------

    @contextmanager
    def inside(self, params: Sequence[Var]) -> Iterator[None]:
        """Generate into an inner function, which reads what is outside and writes nothing there."""
        saved = self.vars, self.stmts, self.outer
        self.outer = [*self.outer, *(replace(v, owned=False) for v in self.vars)]
        self.vars, self.stmts = list(params), []
        self.depth += 1
        self.control += 1
        try:
            yield
        finally:
            self.vars, self.stmts, self.outer = saved
            self.depth -= 1

    def block(self, name: str, params: Sequence[Var], wanted: Sequence[Var | None], length: int, single: bool = False) -> Block:
        """Return an inner function with results like those wanted; None for any float variable."""
        with self.inside(params):
            self.run(length)
            results = [self.some_float() if w is None else self.like(w) for w in wanted]
            stmts = tuple(self.stmts)
        self.count += 1
        return Block(f"{name}{self.count}", tuple(params), stmts, tuple(results), single)

    def some_float(self) -> Var:
        """Return a late float variable of the current block."""
        found = [v for v in self.vars if v.is_float]
        return self.choice(found[-3:]) if found else self.zeros("f32", ())

    def zeros(self, dtype: str, shape: Shape) -> Var:
        """Emit zeros."""
        made = self.emit("torch.zeros(({}), dtype={})", shape_text(shape), dtype_text(dtype), dtype=dtype, shape=shape, mag=0.0)
        assert made is not None
        return made

    def like(self, wanted: Var) -> Var:
        """Return a variable of the type of another, bounded where it is carried."""
        found = [v for v in self.vars if v.dtype == wanted.dtype and v.shape == wanted.shape and v.bound == wanted.bound]
        x = self.choice(found[-3:]) if found else self.zeros(wanted.dtype, wanted.shape)
        if x.is_float and x.mag > wanted.mag:
            x = self.emit(self.choice(("torch.tanh({})", "torch.sin({})")), x, mag=1.0) or x
        if x.dtype in ("i32", "i64") and x.mag > wanted.mag and wanted.bound is None:
            x = self.emit("{} % 7", x, mag=7.0) or x
        return x

    # -- statements -----------------------------------------------------------------------------------------------

    def run(self, length: int) -> None:
        """Emit about as many statements as asked."""
        for _ in range(4 * length):
            if len(self.stmts) >= length:
                return
            f = self.rng.choices(RULES, self.weights)[0][0]
            f(self)


def shape_text(shape: Shape) -> Extents:
    """Return a shape as an argument for a template."""
    return Extents(map(as_dim, shape))


def dtype_text(dtype: str) -> str:
    """Return how a program writes an element type."""
    names = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "bool": "bool", "u8": "uint8"}
    return f"torch.{names[dtype]}"


def generate(seed: int, weights: dict[str, float] | None = None, length: int | None = None) -> Program:
    """Return the program of a seed."""
    import tests.fuzz.rules  # noqa: F401

    g = Generator(seed, weights)
    params = list(_params(g))
    g.vars += params
    g.run(length or g.choice((2, 3, 4, 5, 6, 7, 8, 10, 14)))
    results = _results(g)
    layouts = tuple(g.choice(("dense",) * 6 + ("transposed", "strided", "reversed")) for _ in params)
    loss = g.choice(("sum", "weighted", "square", "weighted"))
    return Program(Block("f", tuple(params), tuple(g.stmts), tuple(results)), g.sizes, seed, g.values, layouts, loss)


def _params(g: Generator) -> Iterator[Var]:
    dtype = g.choice(("f32", "f64"))
    shapes: list[Shape] = []
    for i in range(g.choice((1, 2, 2, 3))):
        rank = g.choice((0, 1, 1, 1, 2, 2, 2, 2, 3))
        shape: Shape = tuple(g.dim() for _ in range(rank))
        if shapes and g.chance(0.4):
            shape = g.choice(shapes)
        while not g.fits(shape):
            shape = shape[1:]
        shapes.append(shape)
        yield Var("abcdefgh"[i], dtype, shape)
    if g.chance(0.3):
        bound = g.choice([d for s in shapes for d in s] or [as_dim(3)])
        shape = g.choice(shapes) if g.chance(0.3) else (g.dim(),)
        if bound.at(g.sizes) > 0:
            yield Var("i", "i64", shape, 0.0, bound)
    if g.chance(0.15):
        yield Var("j", g.choice(("i64", "i32", "u8", "i64")), g.choice(shapes), 4.0)
    if g.chance(0.12):
        yield Var("p", "bool", g.choice(shapes))


def _results(g: Generator) -> list[Var]:
    made = [v for v in g.vars if v.name.startswith("v")] or g.vars
    last = made[-1:]
    floats = [v for v in made if v.is_float]
    found = [*(floats[-1:] or last), *last, *(g.choice(made) for _ in range(g.choice((0, 0, 1, 2))))]
    return list(dict.fromkeys(found)) if g.chance(0.9) else found
