"""The autograd tutorial everybody knows, run with `import graphc as torch`, prints what PyTorch prints.

The cells share one namespace and run from top to bottom, as in a notebook. Their expected texts in tutorial.txt were
recorded with PyTorch; where it is installed, `python tests/test_tutorial.py --update` records them anew. Random inputs
of the tutorial are fixed numbers here. Addresses are masked, and of a multi-line error only the first line counts.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).with_name("tutorial.txt")
HEADING = "### "

CELLS = {
    # The classic autograd chapter.
    "ones": "x = torch.ones(2, 2, requires_grad=True); print(x)",
    "add": "y = x + 2; print(y)",
    "grad_fn": "print(y.grad_fn)",
    "mean": "z = y * y * 3; out = z.mean(); print(z, out)",
    "requires_grad_": """
        a = torch.tensor([[-1.5, 0.25], [2.0, 3.5]])
        a = ((a * 3) / (a - 1))
        print(a)
        print(a.requires_grad)
        a.requires_grad_(True)
        print(a.requires_grad)
        b = (a * a).sum()
        print(b)
        print(b.grad_fn)
    """,
    "leaf-after-requires_grad_": "print(a)",
    "backward": "out.backward(); print(x.grad)",
    "backward-accumulates": "(y * y * 3).mean().backward(); print(x.grad)",
    "zero-grad": "x.grad.zero_(); print(x.grad)",
    "vector-loop": """
        x = torch.tensor([0.3125, -1.25, 0.75], requires_grad=True)
        y = x * 2
        while y.data.norm() < 1000:
            y = y * 2
        print(y)
    """,
    "vector-norm": "print(y.data.norm())",
    "vector-scalar-only": "y.backward()",
    "vector-backward": """
        v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
        y.backward(v)
        print(x.grad)
    """,
    "no_grad": """
        print(x.requires_grad)
        print((x ** 2).requires_grad)
        with torch.no_grad():
            print((x ** 2).requires_grad)
    """,
    "detach": """
        print(x.requires_grad)
        y = x.detach()
        print(y.requires_grad)
        print(x.eq(y).all())
        print(y)
    """,
    # The newer autograd chapter.
    "newer-inputs": """
        a = torch.tensor([2., 3.], requires_grad=True)
        b = torch.tensor([6., 4.], requires_grad=True)
        Q = 3*a**3 - b**2
        print(Q)
    """,
    "newer-backward": """
        external_grad = torch.tensor([1., 1.])
        Q.backward(gradient=external_grad)
        print(a.grad, b.grad)
    """,
    "newer-check": """
        print(9*a**2 == a.grad)
        print(-2*b == b.grad)
    """,
    "newer-repr": "print(a); print(repr(b))",
    "dag-exclusion": """
        x = torch.tensor([[0.5, 1.0], [0.25, 2.0]])
        y = torch.tensor([[1.5, 0.0], [0.75, 1.0]])
        z = torch.tensor([[0.125, 1.0], [1.25, 0.5]], requires_grad=True)
        a = x + y
        print(f"Does `a` require gradients?: {a.requires_grad}")
        b = x + z
        print(f"Does `b` require gradients?: {b.requires_grad}")
    """,
    "sum-aggregate": "Q = 3*z**3 - x**2; Q.sum().backward(); print(z.grad)",
    # Freezing parameters.
    "linear": """
        model = torch.nn.Linear(3, 2)
        with torch.no_grad():
            model.weight.copy_(torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]))
            model.bias.copy_(torch.tensor([0.125, -0.5]))
        print(model)
        print(model.weight)
        print(model.bias)
    """,
    "linear-forward": """
        data = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
        prediction = model(data)
        print(prediction)
    """,
    "loss-backward": """
        labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        loss = (prediction - labels).sum()
        loss.backward()
        print(loss)
        print(model.weight.grad)
        print(model.bias.grad)
    """,
    "sgd-step": """
        optim = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
        optim.step()
        print(model.weight)
        print(model.bias)
    """,
    "zero_grad": "optim.zero_grad(); print(model.weight.grad)",
    "freeze": """
        for param in model.parameters():
            param.requires_grad = False
        print([param.requires_grad for param in model.parameters()])
        print(model(data))
        print(model.weight)
    """,
    "frozen-backward": "model(data).sum().backward()",
    "unfreeze-bias": """
        model.bias.requires_grad = True
        model(data).sum().backward()
        print(model.weight.grad, model.bias.grad)
    """,
    # Leaves, gradients and histories.
    "leaf": """
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = x * x
        print(x.is_leaf, y.is_leaf)
        print(x.grad)
    """,
    "non-leaf-grad": "y.sum().backward(); print(x.grad); print(y.grad)",
    "retain_grad": """
        y = x * x
        y.retain_grad()
        (y * 3).sum().backward()
        print(y.grad)
        print(x.grad)
    """,
    "grad-none": "x.grad = None; print(x.grad)",
    "backward-twice": "s = (x * x).sum(); s.backward(); s.backward()",
    "retain_graph": """
        x.grad = None
        s = (x * x).sum()
        s.backward(retain_graph=True)
        s.backward()
        print(x.grad)
    """,
    "autograd-grad": """
        first, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True)
        print(first)
        second, = torch.autograd.grad(first.sum(), x)
        print(second)
    """,
    "backward-without-grad": "torch.ones(2).sum().backward()",
    "integer-requires-grad": "torch.tensor([1, 2], requires_grad=True)",
    "in-place-on-leaf": "x.add_(1)",
    "in-place-without-grad": """
        with torch.no_grad():
            x.add_(1)
        print(x)
    """,
    "numpy-requires-grad": "x.numpy()",
    # The name that each operation leaves in its result.
    "grad_fn-sub": "print(x - 1); print((x - 1).grad_fn)",
    "grad_fn-rsub": "print(1 - x); print((1 - x).grad_fn)",
    "grad_fn-div": "print(x / 2); print((1 / x).grad_fn)",
    "grad_fn-mul": "print(2 * x)",
    "grad_fn-neg": "print(-x)",
    "grad_fn-pow": "print(x ** 2); print(x.pow(0.5)); print((2 ** x).grad_fn)",
    "grad_fn-matmul": """
        m = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        print(m @ m)
        print((m @ torch.ones(2)).grad_fn)
        print((torch.ones(2) @ torch.ones(2, requires_grad=True)).grad_fn)
        print(torch.matmul(m, m).grad_fn)
    """,
    "grad_fn-sum": "print(x.sum()); print(m.sum(dim=0)); print(m.mean(dim=1))",
    "grad_fn-relu": "print(torch.relu(x - 3)); print(x.relu().grad_fn)",
    "grad_fn-exp": "print(torch.exp(x)); print(x.log()); print(x.sqrt())",
    "grad_fn-trigonometric": "print(x.sin()); print(x.cos()); print(x.tanh()); print(x.sigmoid())",
    "grad_fn-shape": "print(m.T); print(m.reshape(4)); print(m[0]); print(m.view(4, 1).grad_fn)",
    "grad_fn-max": "print(x.max()); print(torch.maximum(x, torch.tensor(3.0)).grad_fn)",
    "grad_fn-abs": "print(x.abs()); print(x.clone()); print(x.softmax(0))",
    "grad_fn-cat": "print(torch.cat([x, x])); print(torch.stack([x, x]).grad_fn)",
    # Tensors of all kinds.
    "float64": """
        d = torch.tensor([[1.0, 0.5], [2.25, -3.0]], dtype=torch.float64)
        print(d)
        print(d.dtype, d.sum())
        print(d.requires_grad_())
        print(d * 2)
    """,
    "float64-conversion": "print(torch.ones(2).double()); print(d.detach().float())",
    "promotion": "print(torch.ones(2) + d.detach()[0]); print(torch.tensor([1, 2]) * 0.5)",
    "integers": """
        i = torch.tensor([[1, -20], [300, 4]])
        print(i)
        print(i + 1)
        print(i.dtype, i.sum())
        print(i / 2)
        print(i // 3)
        print(i % 7)
    """,
    "int32": "print(torch.tensor([1, 2], dtype=torch.int32)); print(torch.zeros(2, dtype=torch.uint8))",
    "bool": "print(i > 3); print((i > 3).dtype); print(torch.tensor([True, False]))",
    "arange": "print(torch.arange(5)); print(torch.arange(0, 1, 0.25)); print(torch.arange(10, 0, -3))",
    "arange-lines": "print(torch.arange(30)); print(torch.arange(30.0).reshape(2, 15))",
    "zeros": "print(torch.zeros(2, 3)); print(torch.zeros_like(i)); print(torch.full((2,), 7.5))",
    "empty": "print(torch.zeros(0)); print(torch.zeros(0, 3)); print(torch.zeros(0, dtype=torch.int64))",
    "zero-dimensional": "print(torch.tensor(3.5)); print(torch.tensor(7)); print(torch.tensor(2.0, requires_grad=True))",
    "item": "print(torch.tensor(3.5).item(), torch.tensor(7).item(), torch.tensor(True).item())",
    "item-of-many": "torch.ones(2).item()",
    "format": "print(f'{torch.tensor(3.14159):.2f}', f'{torch.tensor(0.5)}', f'{torch.ones(2)}')",
    "shape": """
        x = torch.ones(2, 2)
        print(x.shape)
        print(x.size(), x.size(0), x.dim(), x.numel())
        print(x.dtype)
        print(torch.tensor(1.0).shape)
    """,
    "transpose": "t = torch.arange(6.).reshape(2, 3); print(t.T); print(t.T.shape)",
    "indexing": "print(t[1]); print(t[:, 1:]); print(t[0, 0]); print(t[..., -1])",
    "in-place": "t[0, 0] = 10; t.mul_(2); print(t)",
    "three-dimensional": "print(torch.arange(12).reshape(2, 2, 3))",
    "tolist": "print(t.tolist(), t.numpy())",
    "truncation": "print(torch.arange(1100)); print(torch.ones(1100))",
    "truncation-matrix": "print(torch.arange(1600.).reshape(40, 40) / 2)",
    "scientific": """
        print(torch.tensor([1e-5, 1.0]))
        print(torch.tensor([0.5, 12345.678]))
        print(torch.tensor([1e10, -1e10]))
        print(torch.tensor(1.5e-7))
        print(torch.tensor([1e-3, 1e3], dtype=torch.float64))
    """,
    "scientific-grad": "w = torch.tensor([1e-4, 1e4], requires_grad=True); print(w * w); print(w)",
    "special": """
        print(torch.tensor([float('nan'), float('inf'), -float('inf'), 1.0]))
        print(torch.tensor([0.0, -0.0, 2.5]))
        print(torch.tensor([1.0]) / 0, torch.tensor([-1.0]).sqrt())
    """,
    "set_printoptions": "torch.set_printoptions(precision=2); print(torch.tensor([1.23456]))",
    "printoptions-default": "torch.set_printoptions(profile='default'); print(torch.tensor([1.23456]))",
    # What goes wrong says so in the same words.
    "error-shapes": "torch.ones(2, 3) + torch.ones(2, 2)",
    "error-matmul": "torch.ones(2, 3) @ torch.ones(2, 3)",
    "error-ambiguous-truth": "bool(torch.ones(2))",
    "error-index": "torch.ones(3)[5]",
    "error-reshape": "torch.ones(6).reshape(4, 2)",
}


def _text_of(source: str, namespace: dict[str, Any]) -> str:
    """Run a cell and return what it prints, followed by the error that ends it, if one does."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(textwrap.dedent(source), namespace)
        except Exception as error:
            print(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    return re.sub(r"0x[0-9a-f]+", "0x…", out.getvalue())


def _run(module_name: str) -> dict[str, str]:
    """Run all cells with the named module as `torch` and return their texts."""
    namespace: dict[str, Any] = {"torch": importlib.import_module(module_name)}
    return {name: _text_of(source, namespace) for name, source in CELLS.items()}


def _read_golden() -> dict[str, str]:
    sections = GOLDEN.read_text(encoding="utf-8").split(HEADING)[1:]
    return dict(section.split("\n", 1) for section in sections)


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """Return what PyTorch printed, cell by cell."""
    return _read_golden()


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Return what graphc prints, cell by cell."""
    return _run("graphc")


@pytest.mark.parametrize("name", CELLS)
def test_cell_prints_what_pytorch_prints(name: str, printed: dict[str, str], expected: dict[str, str]) -> None:
    assert printed[name] == expected[name], textwrap.dedent(CELLS[name])


def test_every_recorded_text_has_its_cell(expected: dict[str, str]) -> None:
    assert list(expected) == list(CELLS)


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/test_tutorial.py --update")
    texts = _run("torch")
    GOLDEN.write_text("".join(f"{HEADING}{name}\n{text}" for name, text in texts.items()), encoding="utf-8")
    print(f"recorded {len(texts)} cells")
