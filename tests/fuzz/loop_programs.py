"""Draw control-flow programs: Python text of a function `f(xp, …)` over nested scans, whiles, fors and conds.

`xp` is what computes: NumPy or torch with Python's own loops, or graphc (`loop_backends.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = ["LoopProgram", "draw"]

SMALL, LARGE = (1, 2, 2, 3, 3, 4, 5, 8, 9, 17), (20, 33, 65, 130)
DEPTH = 3

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Var:
    """A variable in scope: its name, its kind ("f", "i" or "b"), its extents, and whether it may be written to."""

    name: str
    kind: str
    shape: Shape
    own: bool = False


@dataclass
class LoopProgram:
    """The text of a function, the arguments' kinds and extents, the dtype of its floats, and the number of its results."""

    text: str
    params: list[Var]
    dtype: str
    seed: int
    sizes: list[int] = field(default_factory=list)

    def arguments(self, batch: int | None = None) -> list[Array]:
        """Return arrays for the parameters, with a leading axis if a batch is asked for."""
        rng = np.random.default_rng(self.seed)
        return [self._argument(rng, p, p.shape if batch is None else (batch, *p.shape)) for p in self.params]

    def _argument(self, rng: np.random.Generator, p: Var, shape: Shape) -> Array:
        if p.kind == "f":
            return np.asarray(rng.standard_normal(shape)).astype(self.dtype)
        if p.kind == "i":
            return np.asarray(rng.integers(0, 7, shape))
        return np.asarray(rng.integers(0, 2, shape) == 1)


def draw(seed: int) -> LoopProgram:
    """Return the program of a seed."""
    return _Drawing(seed).program()


class _Drawing:
    """One program under way: variables in scope, lines, indentation."""

    def __init__(self, seed: int) -> None:
        self.rng, self.seed = random.Random(seed), seed
        large = self.rng.random() < 0.15
        self.sizes = [self.rng.choice(SMALL), self.rng.choice(LARGE if large else SMALL)]
        self.lines: list[str] = []
        self.vars: list[Var] = []
        self.depth, self.count, self.loops = 0, 0, 0
        self.indent = 1

    def program(self) -> LoopProgram:
        n, m = self.sizes
        shapes = [(n,), (m,), (n, m), (m, m), (), (self.rng.choice((0, 1, 2, 3, 5, 8)), n), (n,)]
        chosen = [self.rng.choice(shapes) for _ in range(self.rng.choice((1, 2, 2, 3)))]
        params = [Var(f"a{i}", "f", s) for i, s in enumerate(chosen)]
        if self.chance(0.5):
            params.append(Var("k0", "i", self.rng.choice(((), (n,)))))
        if self.chance(0.25):
            params.append(Var("p0", "b", self.rng.choice(((), (n,)))))
        self.vars = list(params)
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            self.statement()
        for _ in range(self.rng.choice((1, 1, 2))):
            self.control()
            for _ in range(self.rng.choice((0, 0, 1))):
                self.statement()
        made = [v for v in self.vars if v not in params] or self.vars
        results = [made[-1], *(self.rng.choice(made) for _ in range(self.rng.choice((0, 1, 2))))]
        floats = [v for v in reversed(made) if v.kind == "f"]
        if floats and not any(r.kind == "f" for r in results):
            results.append(floats[0])
        self.line(f"return ({''.join(r.name + ', ' for r in results)})")
        head = f"def f(xp, {', '.join(p.name for p in params)}):\n"
        dtype = "float32" if self.chance(0.15) else "float64"
        return LoopProgram(head + "\n".join(self.lines) + "\n", params, dtype, self.seed, self.sizes)

    # -- chance and text ------------------------------------------------------------------------------------

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def fresh(self, kind: str, shape: Shape, own: bool = False) -> Var:
        self.count += 1
        return Var(f"v{self.count}", kind, shape, own)

    def put(self, kind: str, shape: Shape, text: str, own: bool = False) -> Var:
        """Write an assignment to a new variable."""
        v = self.fresh(kind, shape, own)
        self.line(f"{v.name} = {text}")
        self.vars.append(v)
        return v

    def pick(self, test: Callable[[Var], bool]) -> Var | None:
        """Return a variable for which `test` holds, late ones more often."""
        found = [v for v in self.vars if test(v)]
        return found[-1 - min(int(self.rng.expovariate(0.4)), len(found) - 1)] if found else None

    def a_float(self, shape: Shape | None = None) -> Var:
        """Return a float, made from another one if none has the shape."""
        found = self.pick(lambda v: v.kind == "f" and shape in (None, v.shape))
        if found is not None:
            return found
        return self.put("f", shape or (), f"xp.zeros({shape or ()}) + {self.number()}")

    def scalar(self, kind: str) -> str:
        """Return the text of a number of a kind: a variable, a part or a sum of one, or a literal."""
        found = self.pick(lambda v: v.kind == kind and v.shape == ())
        if found is not None and self.chance(0.8):
            return found.name
        if kind == "f":
            x = self.a_float()
            return f"{x.name}.sum()" if not x.shape or 0 in x.shape or self.chance(0.5) else f"xp.amax({x.name})"
        if kind == "i":
            x = self.a_float()
            usable = len(x.shape) == 1 and x.shape[0] > 0
            return f"xp.argmax({x.name}, 0)" if usable and self.chance(0.6) else str(self.rng.randint(0, 3))
        return self.test()

    def test(self) -> str:
        """Return the text of a condition."""
        found = self.pick(lambda v: v.kind == "b")
        if found is not None and self.chance(0.5):
            return found.name if not found.shape else f"{found.name}.any()" if self.chance(0.5) else f"~{found.name}.all()"
        k = self.pick(lambda v: v.kind == "i" and v.shape == ())
        if k is not None and self.chance(0.4):
            return f"({k.name} % {self.rng.choice((2, 3))} == {self.rng.choice((0, 1))})"
        x = self.a_float()
        return f"({x.name}.sum() {self.rng.choice('<>')} {self.number()})"

    def number(self) -> float:
        return self.rng.choice((0.5, -1.0, 0.25, 1.5, 0.1, 0.3, -0.7, 2.0))

    # -- statements -------------------------------------------------------------------------------------------

    def statement(self) -> None:
        """Write one statement."""
        table = [(self.unary, 3), (self.binary, 4), (self.reduce, 2), (self.move, 2), (self.index, 2), (self.write, 3),
                 (self.integer, 1.5), (self.boolean, 1), (self.choose, 1.5), (self.product, 1)]  # fmt: skip
        makers, weights = zip(*table, strict=True)
        self.rng.choices(makers, weights)[0]()

    def unary(self) -> None:
        x = self.a_float()
        text = self.rng.choice(
            ("xp.sin({})", "xp.cos({})", "xp.tanh({})", "xp.exp(-xp.abs({}))", "xp.sqrt(xp.abs({}) + 1.0)",
             "{} * {n}", "{} + {n}", "xp.clamp({}, -1.0, 1.0)", "-{}", "1.0 / ({} * {} + 1.0)")
        )  # fmt: skip
        self.put("f", x.shape, text.replace("{n}", str(self.number())).replace("{}", x.name))

    def binary(self) -> None:
        x = self.a_float()
        y = self.pick(lambda v: v.kind == "f" and (v.shape in (x.shape, ()) or v.shape == x.shape[1:]))
        assert y is not None
        how = self.rng.choice(
            ("xp.tanh({0}) * {1}", "{0} + {1}", "{0} - {1}", "xp.sin({0}) * xp.cos({1})", "{0} * 0.5 + {1} * 0.5")
        )
        if x.shape == y.shape and self.chance(0.15):
            how = self.rng.choice(("xp.maximum({0}, {1})", "xp.minimum({0}, {1})"))
        self.put("f", x.shape, how.format(x.name, y.name))

    def reduce(self) -> None:
        x = self.a_float()
        if not x.shape or 0 in x.shape:
            return
        axis = self.rng.randrange(len(x.shape))
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        how = self.rng.choice(("xp.tanh({}.sum({}))", "{}.mean({})", "xp.amax({}, {})", "xp.cumsum({}, {}) * 0.3"))
        kept = "cumsum" in how
        self.put("f", x.shape if kept else rest, how.format(x.name, axis))

    def move(self) -> None:
        x = self.a_float()
        n = x.shape[0] if x.shape else 0
        if n < 2:
            return
        k = self.rng.randint(1, n - 1)
        choices = [
            (f"xp.flip({x.name}, (0,))", x.shape),
            (f"xp.roll({x.name}, {k}, 0)", x.shape),
            (f"{x.name}[{k}:]", (n - k, *x.shape[1:])),
            (f"xp.cat([{x.name}[{k}:], {x.name}[:{k}] * 2.0], 0)", x.shape),
        ]
        if len(x.shape) == 2:
            choices += [(f"{x.name}.T", x.shape[::-1])] * 2 + [(f"{x.name} - {x.name}.mean(1)[:, None]", x.shape)]
        text, shape = self.rng.choice(choices)
        self.put("f", shape, text)

    def index(self) -> None:
        x = self.a_float()
        if not x.shape or not x.shape[0]:
            return
        rows = self.pick(lambda v: v.kind == "i" and len(v.shape) == 1)
        if rows is not None and self.chance(0.3):
            self.put("f", (*rows.shape, *x.shape[1:]), f"{x.name}[{rows.name} % {x.shape[0]}]")
            return
        row = f"{x.name}[({self.scalar('i')}) % {x.shape[0]}]"
        self.put("f", x.shape[1:], row if x.shape[1:] else f"xp.clone({row})")  # an element of NumPy's is no view

    def write(self) -> None:
        """Write to a copy, or to what is carried: an element, a row, a slice, a view."""
        x = self.pick(lambda v: v.kind == "f" and bool(v.shape) and 0 not in v.shape and v.own)
        if x is None or self.chance(0.3):
            y = self.pick(lambda v: v.kind == "f" and bool(v.shape) and 0 not in v.shape)
            if y is None:
                return
            x = self.put("f", y.shape, f"xp.clone({y.name})", own=True)
        n = x.shape[0]
        rest = x.shape[1:]
        at = self.rng.choice((f"({self.scalar('i')}) % {n}", str(self.rng.randrange(n)), str(-1)))
        value = self.pick(lambda v: v.kind == "f" and v.shape in (rest, ()))
        y = value.name if value is not None else str(self.number())
        k = self.rng.randint(0, n - 1)
        how = self.rng.choice(
            (f"{x.name}[{at}] = {y}", f"{x.name}[{at}] += {y}", f"{x.name}[{at}] *= {self.number()}",
             f"{x.name}[{k}:] *= {self.number()}", f"{x.name}[{k}:] += {y}", f"{x.name}[{k}:][0] = {y}")
        )  # fmt: skip
        self.line(how)

    def integer(self) -> None:
        k = self.pick(lambda v: v.kind == "i")
        if k is None:
            self.put("i", (), f"xp.argmax({self.a_float_row()}, 0)")
            return
        how = self.rng.choice(("{} + 1", "({} * 3 + 1) % 7", "{} // 2", "{} % 4", "{} & 3"))
        v = self.put("i", k.shape, how.format(k.name))
        if self.chance(0.5):
            self.put("f", v.shape, f"xp.flt({v.name}) * 0.1")

    def a_float_row(self) -> str:
        found = self.pick(lambda v: v.kind == "f" and len(v.shape) == 1 and v.shape[0] > 0)
        return found.name if found is not None else f"xp.zeros(({self.sizes[0]},))"

    def boolean(self) -> None:
        p = self.pick(lambda v: v.kind == "b" and v.shape == ())
        if p is not None and self.chance(0.5):
            self.put("b", (), f"{p.name} {self.rng.choice('|&^')} {self.test()}")
            return
        x = self.a_float()
        self.put("b", x.shape, f"{x.name} > {self.number()}")

    def choose(self) -> None:
        x = self.a_float()
        y = self.a_float(x.shape)
        p = self.pick(lambda v: v.kind == "b" and v.shape in (x.shape, ()))
        self.put("f", x.shape, f"xp.where({p.name if p is not None else f'{x.name} > {y.name} * 0.5'}, {x.name}, {y.name})")

    def product(self) -> None:
        w = self.pick(lambda v: v.kind == "f" and len(v.shape) == 2 and 0 not in v.shape)
        if w is None:
            return
        x = self.pick(lambda v: v.kind == "f" and bool(v.shape) and v.shape[-1] == w.shape[0] and 0 not in v.shape)
        if x is not None:
            self.put("f", (*x.shape[:-1], w.shape[1]), f"xp.tanh({x.name} @ {w.name} * 0.3)")

    # -- control flow -------------------------------------------------------------------------------------------

    def control(self) -> None:
        """Write a loop or a branch."""
        self.loops += 1
        self.rng.choice((self.scan, self.scan, self.for_, self.while_, self.cond))()

    @contextmanager
    def body(self, head: str, params: Sequence[Var]) -> Iterator[None]:
        """Write the head of a function, and what is in the block indented."""
        self.line(head)
        outer = self.vars
        # what is outside may be read, but is not to be written
        self.vars = [replace(v, own=False) for v in outer] + list(params)
        self.depth, self.indent = self.depth + 1, self.indent + 1
        yield
        self.depth, self.indent, self.vars = self.depth - 1, self.indent - 1, outer

    def work(self) -> None:
        """Write the statements of a body, loops among them."""
        for _ in range(self.rng.choice((1, 2, 3, 4))):
            if self.depth < DEPTH and self.loops < 6 and self.chance(0.25 if self.depth == 1 else 0.15):
                self.control()
            else:
                self.statement()

    def carried(self) -> list[Var]:
        """Choose what a loop carries."""
        found = [self.a_float()]
        for kind, p in (("f", 0.5), ("i", 0.4), ("b", 0.25)):
            v = self.pick(lambda v, kind=kind: v.kind == kind)  # type: ignore[misc]
            if v is not None and self.chance(p):
                found.append(v)
        return found

    def inner(self, given: Sequence[Var]) -> list[Var]:
        """Return parameters of a body for what is carried."""
        return [self.fresh(v.kind, v.shape, own=True) for v in given]

    def following(self, params: Sequence[Var]) -> str:
        """Return the text of the next carried values: of the same kinds and extents."""
        found = []
        for p in params:
            v = self.pick(lambda v, p=p: (v.kind, v.shape) == (p.kind, p.shape))  # type: ignore[misc]
            assert v is not None
            tame = p.kind == "f" and self.chance(0.4)
            found.append(f"xp.tanh({v.name})" if tame else v.name)
        return "".join(f"{text}, " for text in found)

    def bind(self, given: Sequence[Var]) -> str:
        """Return a target for results like these, which are variables from now on."""
        made = [self.fresh(v.kind, v.shape) for v in given]
        self.vars += made
        return "(" + "".join(f"{v.name}, " for v in made) + ")"

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    def scan(self) -> None:
        xs = self.pick(lambda v: len(v.shape) >= 1 and v.shape[0] <= 20)
        over = [] if xs is None or self.chance(0.2) else [xs]
        if over and self.chance(0.3):
            other = self.pick(lambda v: bool(v.shape) and v.shape[0] == over[0].shape[0])
            over += [other] if other is not None else []
        length = over[0].shape[0] if over else self.rng.choice((0, 1, 2, 3, 5))
        given, name = self.carried(), self.name("body")
        params, items = self.inner(given), [self.fresh(v.kind, v.shape[1:], own=True) for v in over]
        ys: list[Var] = []
        with self.body(f"def {name}(c, x):", [*params, *items]):
            self.line(f"({''.join(p.name + ', ' for p in params)}) = c")
            if items:
                self.line(f"({''.join(p.name + ', ' for p in items)}) = x")
            self.work()
            if length:
                ys = [v for v in (self.pick(lambda v: True) for _ in range(self.rng.choice((0, 1, 1, 2)))) if v is not None]
            self.line(f"return ({self.following(params)}), ({''.join(v.name + ', ' for v in ys)})")
        sequence = f"({''.join(v.name + ', ' for v in over)})" if over else "None"
        options = (", reverse=True" if self.chance(0.3) else "") + (f", length={length}" if not over else "")
        if length > 1 and self.chance(0.15):
            options += ", checkpoint=True"
        last = self.bind(given)
        stacked = self.bind([replace(v, shape=(length, *v.shape)) for v in ys])
        start = "".join(v.name + ", " for v in given)
        self.line(f"{last}, {stacked} = xp.scan({name}, ({start}), {sequence}{options})")

    def for_(self) -> None:
        given, name = self.carried(), self.name("body")
        params, i = self.inner(given), self.fresh("i", ())
        with self.body(f"def {name}({i.name}, c):", [*params, i]):
            self.line(f"({''.join(p.name + ', ' for p in params)}) = c")
            self.work()
            self.line(f"return ({self.following(params)})")
        bound = self.pick(lambda v: v.kind == "i" and v.shape == ())
        low, high = self.rng.choice((0, 0, 1, 2)), str(self.rng.choice((0, 1, 2, 3, 5)))
        if bound is not None and self.chance(0.4):
            high = f"{bound.name} % 5"
        start = "".join(v.name + ", " for v in given)
        self.line(f"{self.bind(given)} = xp.fori_loop({low}, {high}, {name}, ({start}))")

    def while_(self) -> None:
        given, name = self.carried(), self.name("body")
        params, n = self.inner(given), self.fresh("i", ())
        test = self.name("test")
        with self.body(f"def {test}({', '.join(p.name for p in [n, *params])}):", [*params, n]):
            more = self.test() if self.chance(0.5) else ""
            self.line(f"return ({n.name} < {self.rng.choice((0, 1, 2, 4, 6))})" + (f" & {more}" if more else ""))
        with self.body(f"def {name}({', '.join(p.name for p in [n, *params])}):", [*params, n]):
            self.work()
            self.line(f"return ({n.name} + 1, {self.following(params)})")
        count = self.pick(lambda v: v.kind == "i" and v.shape == ())
        first = f"{count.name} % 3" if count is not None and self.chance(0.3) else "0"
        start = "".join(v.name + ", " for v in given)
        self.line(f"{self.bind([n, *given])} = xp.while_loop({test}, {name}, ({first}, {start}))")

    def cond(self) -> None:
        given = self.carried()
        yes, no = self.name("yes"), self.name("no")
        test = self.test()
        for name in (yes, no):
            params = self.inner(given)
            with self.body(f"def {name}({', '.join(p.name for p in params)}):", params):
                self.work()
                self.line(f"return ({self.following(params)})")
        start = "".join(v.name + ", " for v in given)
        self.line(f"{self.bind(given)} = xp.cond({test}, {yes}, {no}, ({start}))")
