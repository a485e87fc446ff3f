"""Programs whose kernels have every shape: points and rows, several passes, bounds checks, long sums, outer reductions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import graphc
import graphc.nn.functional as F
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.program import calls

__all__ = ["PROGRAMS", "changed_schedules", "kernels_of"]

Program = tuple[Callable[..., Any], tuple[np.ndarray, ...]]


def _numbers(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def _norm(x: Any) -> Any:
    y = x - x.mean(1, keepdim=True)
    return y / ((y * y).mean(1, keepdim=True) + 1e-3).sqrt()


def _stencil(x: Any) -> Any:
    y = F.pad(x, (1, 1, 1, 1))
    return y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * x


def _sides(x: Any) -> Any:
    e = x.exp()
    return e.sum(0), e.sum(1)


def _written(x: Any) -> Any:
    z = x.clone()
    z[1:] = 0.5
    return z - z.max()


def _heavy(x: Any) -> Any:
    for _ in range(6):
        x = (x.sin() * x.exp()).tanh() + (x * x + 1).log() + x.erf()
    return x


def _row_by_row(x: Any, y: Any) -> Any:
    z = y.exp()
    return z, (x * z.unsqueeze(1)).sum(1) * z


_INDEX = np.random.default_rng(0).integers(0, 30, 50)

PROGRAMS: dict[str, Program] = {
    "scalar": (lambda x: (x * 2).sum(), (_numbers(3),)),
    "chain": (lambda x: (x * 2).tanh() + 1, (_numbers(1000),)),
    "short": (lambda x: (x * 2).tanh() + 1, (_numbers(7, dtype=np.float64),)),
    "empty": (lambda x, y: (x.sum(1) + 1, y * 2), (_numbers(3, 0), _numbers(0))),
    "swap": (lambda x: x.T * 2 + 1, (_numbers(70, 50),)),
    "softmax": (lambda x: x.softmax(1), (_numbers(40, 70),)),
    "short softmax": (lambda x: x.softmax(1), (_numbers(40, 3),)),
    "norm": (_norm, (_numbers(30, 500, dtype=np.float64),)),
    "long sum": (lambda x: x.sin().sum(), (_numbers(9001),)),
    "sums of rows": (lambda x: (x.sum(1), x.prod(1), x.amax(1)), (_numbers(300, 9),)),
    "argmax": (lambda x: (x.argmax(1), x.argmin(0)), (_numbers(40, 70),)),
    "stencil": (_stencil, (_numbers(60, 50),)),
    "pad and sum": (lambda x: (F.pad(x, (3, 5)) * 2).sum(1), (_numbers(50, 40),)),
    "pad and max": (lambda x: F.pad(x, (10, 0)).amax(1), (_numbers(50, 40),)),
    "written": (_written, (_numbers(300),)),
    "joined": (lambda x, y: graphc.cat([x[5:].sin(), y[:7].exp()]).softmax(0), (_numbers(90), _numbers(80))),
    "both sides": (_sides, (_numbers(64, 33, dtype=np.float64),)),
    "gathered": (lambda x, i: x[i].sin() + i.unsqueeze(1), (_numbers(30, 20), _INDEX)),
    "digits": (lambda x: x.T.reshape(25, 24) + 1, (_numbers(20, 30),)),
    "heavy": (_heavy, (_numbers(300),)),
    "two passes without loops": (_row_by_row, (_numbers(40, 70), _numbers(40))),
    "integers": (lambda x: (x * 3 // 7).sum(0) > 4, (_INDEX.reshape(5, 10),)),
    "leaky": (lambda x: F.leaky_relu(x, 0.1) + F.gelu(x), (_numbers(200),)),
    "every other": (lambda x: x[::2].exp() + x[1::2], (_numbers(300),)),
    "interleaved": (lambda x, y: graphc.cat([x.sin(), y.exp()], 1), (_numbers(300, 1), _numbers(300, 2))),
    "random": (lambda x: x + graphc.rand(200), (_numbers(200),)),
}  # fmt: skip


def kernels_of(name: str, *, dynamic: bool = True) -> list[Kernel]:
    """Return the scheduled kernels of a program."""
    f, args = PROGRAMS[name]
    return graphc.compile(f, dynamic=dynamic).lower(*args).kernels


@contextmanager
def changed_schedules(change: Callable[[Kernel], Kernel]) -> Any:
    """Let kernels run by other schedules."""
    schedule = calls.schedule
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "schedule", lambda kernel, **how: change(schedule(kernel, **how)))
        yield
