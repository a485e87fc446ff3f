"""Compiled code on operands next to pages that must not be touched, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pages are protected by Linux's calls")

PROGRAMS = {
    "elementwise": "lambda x: torch.tanh(x) * 2 + x",
    "rows": "lambda x: torch.softmax(x, -1)",
    "columns": "lambda x: (x * 2).sum(0)",
    "both": "lambda x: (torch.exp(x).sum(0), torch.exp(x).sum(1))",
    "strided": "lambda x: x[:, ::2] * x[:, ::2].sum()",
    "every third": "lambda x: x[1:, 2::3] * 2",
    "reversed": "lambda x: x.flip(1) - x.flip(0)",
    "transposed": "lambda x: x.T @ x",
    "product": "lambda x: x @ x.T",
    "vector": "lambda x: x @ x.sum(0)",
    "padded": "lambda x: F.pad(x, (3, 2, 1, 4)).cumsum(1)",
    "joined": "lambda x: torch.cat([x[1:], x[:1] * 2])",
    "shifted": "lambda x: x[:, 1:] - x[:, :-1]",
    "gathered": "lambda x: x[torch.arange(x.shape[0] - 1, -1, -1)] + 1",
    "running": "lambda x: x.cumsum(0) + x.cumsum(1)",
    "scan": "lambda x: torch.scan(lambda c, a: (torch.tanh(c + a), c.sum()), x[0], x)",
    "scalars": "lambda x: torch.scan(lambda c, a: (torch.sin(c + a), c * 2), x[0, 0], x[:, 0])",
    "gradient": "lambda x: torch.func.grad(lambda x: (F.pad(torch.sin(x), (1, 1))[:, 2:] * x).sum())(x)",
}

RUN = """
import faulthandler, sys, warnings
faulthandler.enable()
import numpy as np
import graphc as torch
import graphc.nn.functional as F
from tests.guards import guarded

f = {program}
for dtype in (np.float32, np.float64):
    compiled = torch.compile(f)
    for n, m in ((20, 30), (33, 31), (9, 64), (17, 1), (1, 65), (3, 127), (7, 100)):
        x = np.random.default_rng(n).standard_normal((n, m)).astype(dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = compiled(x)
        for at_end in (True, False):
            got = compiled(guarded(x, at_end=at_end))
            for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (got, want)), strict=True):
                np.testing.assert_array_equal(a, b)
print("good")
"""


def ran(code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=ROOT, check=False)


@pytest.mark.parametrize("name", PROGRAMS)
def test_operands_next_to_pages_that_must_not_be_touched(name: str) -> None:
    result = ran(RUN.format(program=PROGRAMS[name]))
    assert result.returncode == 0 and "good" in result.stdout, result.stderr[-2000:]


@pytest.mark.parametrize("at_end", [True, False])
def test_the_pages_are_there(at_end: bool) -> None:
    step = 16 if at_end else -1
    code = f"""
import ctypes
import numpy as np
from tests.guards import guarded
x = guarded(np.ones(16, np.uint8), at_end={at_end})
assert x.sum() == 16
ctypes.c_char.from_address(x.ctypes.data + {step}).value
"""
    assert ran(code).returncode == -11
