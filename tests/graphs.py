"""Random tensor graphs for tests: every primitive but those that need special inputs, on odd shapes and layouts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import BOOL, F32, F64, I32, I64, U8, DType, TensorType

UNARY_FLOAT = ("neg", "abs", "sign", "floor", "ceil", "trunc", "round", "exp", "tanh", "sigmoid", "sin", "erf", "expm1", "atan")
BINARY = ("add", "sub", "mul", "maximum", "minimum")
EXTENTS = (1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33)


class Maker:
    """Grows a graph node by node.  The same seed makes the same graph."""

    def __init__(self, seed: int, *, empty: bool = False) -> None:
        self.random = random.Random(seed)
        self.extents = (0, *EXTENTS) if empty else EXTENTS
        self.params: list[Node] = []
        self.pool: list[Node] = []

    def graph(self, size: int = 14, results: int = 3) -> Graph:
        for _ in range(2):
            self.leaf(self.shape(), self.random.choice((F32, F32, F64, I32, I64)))
        for _ in range(size):
            self.grow()
        return Graph(tuple(self.params), tuple(self.random.choices(self.pool[2:], k=results)), "random")

    def shape(self) -> tuple[int, ...]:
        return tuple(self.random.choice(self.extents) for _ in range(self.random.randint(0, 3)))

    def leaf(self, shape: tuple[int, ...], dtype: DType) -> Node:
        node = parameter(TensorType(dtype, shape), f"p{len(self.params)}")
        self.params.append(node)
        self.pool.append(node)
        return node

    def pick(self) -> Node:
        return self.random.choice(self.pool[-6:])

    def other(self, x: Node) -> Node:
        """Return a node of the type of `x`."""
        same = [n for n in self.pool if n.type == x.type]
        if same and self.random.random() < 0.7:
            return self.random.choice(same)
        if self.random.random() < 0.5 and x.type.rank:
            kept = sorted(self.random.sample(range(x.type.rank), self.random.randint(0, x.type.rank)))
            small = self.leaf(tuple(x.shape[a] for a in kept), x.dtype)
            return build.broadcast(small, x.shape, kept)
        return self.leaf(x.shape, x.dtype)

    def grow(self) -> None:
        x = self.pick()
        makers = [self.unary, self.binary, self.compare, self.cast, self.permute, self.reshape, self.slice, self.pad]
        makers += [self.flip, self.broadcast, self.reduce, self.reduce, self.softmax, self.concatenate, self.arg, self.gather]
        makers += [self.matmul, self.cumsum, self.iota, self.scatter, self.rows]
        made = self.random.choice(makers)(x)
        if made is not None and made.type.size <= 40_000:
            self.pool.append(made)

    def unary(self, x: Node) -> Node | None:
        if x.dtype.is_float:
            return build.apply(self.random.choice(UNARY_FLOAT), x)
        return build.apply("not", x) if x.dtype is not F64 else None

    def binary(self, x: Node) -> Node | None:
        return None if x.dtype.is_bool else build.apply(self.random.choice(BINARY), x, self.other(x))

    def compare(self, x: Node) -> Node:
        y = self.other(x)
        return build.select(build.apply(self.random.choice(("lt", "le", "eq", "ne")), x, y), y, x)

    def cast(self, x: Node) -> Node:
        # floats may be NaN or large, and what an integer makes of them is the processor's affair
        choices = (F32, F64, BOOL) if x.dtype.is_float else (F32, F64, I32, I64, U8, BOOL)
        return build.cast(x, self.random.choice(choices))

    def permute(self, x: Node) -> Node:
        return build.permute(x, self.random.sample(range(x.type.rank), x.type.rank))

    def reshape(self, x: Node) -> Node:
        n, shape = x.type.size, []
        while n > 1 and len(shape) < 3:
            shape.append(self.random.choice([d for d in range(1, n + 1) if n % d == 0]))
            n //= shape[-1]
        return build.reshape(x, (0,) if n == 0 else (*shape, n))

    def slice(self, x: Node) -> Node:
        start = [self.random.randint(0, n) for n in x.shape]
        stop = [self.random.randint(s, n) for s, n in zip(start, x.shape, strict=True)]
        return build.slice_(x, start, stop, [self.random.choice((1, 1, 2, 3)) for _ in x.shape])

    def pad(self, x: Node) -> Node:
        low, high, interior = ([self.random.choice((0, 0, 1, 2)) for _ in x.shape] for _ in range(3))
        return build.pad(x, low, high, interior, fill=self.random.choice((0, 1)))

    def flip(self, x: Node) -> Node:
        return build.flip(x, sorted(self.random.sample(range(x.type.rank), self.random.randint(0, x.type.rank))))

    def broadcast(self, x: Node) -> Node | None:
        if x.type.rank > 2:
            return None
        at = self.random.randint(0, x.type.rank)
        shape = (*x.shape[:at], self.random.choice(self.extents), *x.shape[at:])
        return build.broadcast(x, shape, [a for a in range(x.type.rank + 1) if a != at])

    def axes(self, x: Node) -> list[int]:
        return self.random.sample(range(x.type.rank), self.random.randint(0, x.type.rank))

    def reduce(self, x: Node) -> Node | None:
        axes = self.axes(x)
        name = self.random.choice(("any", "all", "max") if x.dtype.is_bool else ("sum", "max", "min"))
        if name in ("max", "min") and any(x.shape[a] == 0 for a in axes):
            return None
        return build.reduce(name, x, axes)

    def softmax(self, x: Node) -> Node | None:
        axes = self.axes(x)
        if not x.dtype.is_float or 0 in x.shape:
            return None
        e = build.apply("exp", x - build.expand_axes(build.reduce("max", x, axes), x.shape, axes))
        return e / build.expand_axes(build.sum_(e, axes), x.shape, axes)

    def rows(self, x: Node) -> Node | None:
        """Something of the rows' sums back on every element."""
        if not x.dtype.is_float or not x.type.rank:
            return None
        axes = self.axes(x)
        return x * build.expand_axes(build.apply("tanh", build.sum_(x, axes)), x.shape, axes) if axes else None

    def concatenate(self, x: Node) -> Node | None:
        if not x.type.rank:
            return None
        return build.concatenate([x, self.other(x), x], self.random.randrange(x.type.rank))

    def arg(self, x: Node) -> Node | None:
        full = [a for a, n in enumerate(x.shape) if n]
        return build.apply(self.random.choice(("argmax", "argmin")), x, axis=self.random.choice(full)) if full else None

    def indices(self, x: Node, count: int) -> list[Node]:
        shape = tuple(self.random.choice(EXTENTS[:6]) for _ in range(self.random.randint(0, 2)))
        made = []
        for a in range(count):
            i = build.iota(shape, self.random.randrange(len(shape))) if shape else build.constant(1, I64)
            made.append(build.apply("remainder", i * 7 + 3, build.full_like(i, x.shape[a])))
        return made

    def gather(self, x: Node) -> Node | None:
        if not x.type.rank or 0 in x.shape:
            return None
        return build.gather(x, *self.indices(x, self.random.randint(1, x.type.rank)))

    def scatter(self, x: Node) -> Node | None:
        if not x.type.rank or 0 in x.shape:
            return None
        k = self.random.randint(1, x.type.rank)
        indices = self.indices(x, k)
        updates = self.leaf((*indices[0].shape, *x.shape[k:]), x.dtype)
        adds = not x.dtype.is_bool and self.random.random() < 0.5
        return build.scatter_add(x, updates, *indices) if adds else build.scatter(x, updates, *indices)

    def matmul(self, x: Node) -> Node | None:
        if x.type.rank < 2 or x.dtype.name not in ("f32", "f64", "i32", "i64"):
            return None
        other = self.leaf((*x.shape[:-2], x.shape[-1], self.random.choice(self.extents)), x.dtype)
        return build.matmul(x, other)

    def cumsum(self, x: Node) -> Node | None:
        return build.cumsum(x, self.random.randrange(x.type.rank)) if x.type.rank and not x.dtype.is_bool else None

    def iota(self, x: Node) -> Node | None:
        return build.cast(build.iota(x.shape, self.random.randrange(x.type.rank)), x.dtype) if x.type.rank else None


def arrays(graph: Graph, seed: int, *, strided: bool = False) -> list[Any]:
    """Return input arrays for a graph's parameters; `strided` ones are views with gaps, reversed or transposed."""
    rng = np.random.default_rng(seed)
    made = []
    for p in graph.params:
        shape = p.shape
        if strided and shape:
            wide = rng.standard_normal(tuple(2 * n for n in reversed(shape)))
            x = wide.transpose()[tuple(slice(None, None, -2) if a % 2 else slice(None, None, 2) for a in range(len(shape)))]
        else:
            x = rng.standard_normal(shape)
        x = (4 * x).astype(p.dtype.numpy, order="K") if not p.dtype.is_bool else x > 0
        made.append(np.lib.stride_tricks.as_strided(x, x.shape, x.strides))
    return made
