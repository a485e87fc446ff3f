"""Types that users see: the stubs say what `help` says, and a type checker understands programs by them."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphc
from tests.paths import ROOT
from tests.stubs import annotated, default, definitions, stubs

PROGRAM = '''
import graphc
from graphc.nn import functional as F

x = graphc.ones(2, 3, requires_grad=True)
w = graphc.tensor([[1.0], [2.0], [3.0]])
reveal_type(x)                                  # Tensor
reveal_type(graphc.matmul(x, w))                # Tensor
reveal_type(x @ w + 1)                          # Tensor
reveal_type(2 * x)                              # Tensor
reveal_type(x > 0)                              # Tensor
reveal_type(x.sum(dim=0))                       # Tensor
reveal_type(x.add_(1, alpha=2))                 # Tensor
reveal_type(x.to(graphc.float64))               # Tensor
reveal_type(x[0])                               # Tensor
reveal_type(x.T)                                # Tensor
reveal_type(x.max())                            # Tensor
reveal_type(x.max(1).indices)                   # Tensor
reveal_type(graphc.sort(x).values)              # Tensor
reveal_type(graphc.split(x, 1))                 # tuple[Tensor, ...]
reveal_type(graphc.aminmax(x))                  # tuple[Tensor, Tensor]
reveal_type(graphc.where(x > 0))                # tuple[Tensor, ...]
reveal_type(graphc.where(x > 0, x, 0.0))        # Tensor
reveal_type(F.relu(F.linear(x, w.T)))           # Tensor
reveal_type(F.max_pool1d(x, 2))                 # Tensor
reveal_type(F.max_pool2d(x, 2, return_indices=True))                # tuple[Tensor, Tensor]
reveal_type(F.max_pool2d(x, 2, return_indices=bool(x)))             # Tensor | tuple[Tensor, Tensor]
reveal_type(graphc.unique(x))                   # Tensor
reveal_type(graphc.unique(x, return_counts=True))                   # tuple[Tensor, Tensor]
reveal_type(x.unique(return_inverse=True))      # tuple[Tensor, Tensor]
reveal_type(x.unique(return_inverse=True, return_counts=True))      # tuple[Tensor, Tensor, Tensor]
reveal_type(graphc.linalg.norm(x))              # Tensor
reveal_type(graphc.allclose(x, x))              # bool
reveal_type(graphc.randint(0, 10, (3,)))        # Tensor
reveal_type(graphc.pi)                          # float
for row in x:
    reveal_type(row)                            # Tensor
loss = F.mse_loss(x @ w, graphc.zeros(2, 1))
loss.backward(retain_graph=True)
graphc.sum(x, 0, True, dtype=graphc.float64)
graphc.zeros(2, dtype=float, device="cpu")
graphc.matmul(x, w, out=x)                      # error: Unexpected keyword argument "out"
graphc.matmul(x)                                # error: Missing positional argument "other"
graphc.matmul(x, "w")                           # error: incompatible type "str"
graphc.zeros(2, grad=True)                      # error: Unexpected keyword argument "grad"
graphc.softmax(x, "1")                          # error: incompatible type "str"
x.sum(axes=0)                                   # error: Unexpected keyword argument "axes"
x.add_(1, beta=2)                               # error: Unexpected keyword argument "beta"
x.sums()                                        # error: has no attribute "sums"
graphc.matmull(x, w)                            # error: has no attribute "matmull"
F.relu(x, p=1)                                  # error: Unexpected keyword argument "p"
'''
"""Lines of a user's program, and what a type checker says of them."""


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """What mypy says of the program, by line."""
    file = tmp_path_factory.mktemp("user") / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--hide-error-context", "--config-file=", "--follow-imports=silent"]
    command += [f"--cache-dir={ROOT / '.mypy_cache'}", str(file)]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, env=environment())
    assert not done.stderr, done.stderr
    lines: dict[int, str] = {}
    for number, text in re.findall(r"^program\.py:(\d+): (.*)$", done.stdout, re.M):
        lines[int(number)] = lines.get(int(number), "") + text + "\n"
    return lines


def environment() -> dict[str, str]:
    """Return the environment in which mypy finds graphc as it is here."""
    return {"MYPYPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}


def expectations() -> list[tuple[int, str, bool]]:
    """Return the lines of the program that say something of themselves: what, and whether it is an error."""
    lines = enumerate(PROGRAM.splitlines(), 1)
    marked = [(n, line.partition("# ")[2]) for n, line in lines if "# " in line]
    return [(n, text.removeprefix("error: "), text.startswith("error: ")) for n, text in marked]


def short(text: str) -> str:
    """Return a message without the modules of its types."""
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)


@pytest.mark.parametrize(("line", "expected", "error"), expectations())
def test_a_type_checker_knows_the_types(messages, line, expected, error):
    message = short(messages.get(line, ""))
    wanted = expected if error else f'Revealed type is "{expected}"'
    assert wanted in message and ("error: " in message) == error


def test_a_right_program_has_no_errors(messages):
    marked = {n for n, _, _ in expectations()}
    assert {n: m for n, m in messages.items() if n not in marked} == {} and len(marked) > 30


@pytest.mark.parametrize("file", stubs(), ids=lambda p: p.name)
def test_stubs_say_what_help_says(file):
    assert file.read_text(encoding="utf-8") == stubs()[file], "the signatures have changed: run python -m tests.stubs"


def test_definitions_of_stubs():
    assert definitions("add_", graphc.Tensor.add_, method=True) == (
        "def add_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:\n"
        '    """In-place form of `add`: write its result into this tensor, and return this tensor."""\n'
    )
    assert definitions("abs", graphc.abs) == "def abs(input: Tensor) -> Tensor: ...\n"
    assert '"""Compare elementwise' in definitions("eq", graphc.eq)
    assert definitions("max", graphc.max).count("@overload") == 3
    assert annotated("tuple[int, ...]") == "tuple[builtins.int, ...]" and annotated(inspect.Parameter.empty) == ""
    assert default((0, 1)) == "(0, 1)" and default(graphc.float32) == default(float("nan")) == "..."


@pytest.mark.parametrize("name", ["add_", "scatter_", "clamp_", "new_full", "sum"])
def test_methods_show_their_parameters(name):
    kinds = {p.kind for p in inspect.signature(getattr(graphc.Tensor, name)).parameters.values()}
    assert inspect.Parameter.VAR_POSITIONAL not in kinds


def test_functions_return_types():
    returned = {(file.name, name) for file, text in stubs().items() for name in re.findall(r"def (\w+)\(.*\) -> Any:", text)}
    assert returned == set()
