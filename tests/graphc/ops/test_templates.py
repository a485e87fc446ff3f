"""Names and docstrings of functions that factories make."""

from __future__ import annotations

import inspect

import graphc
from graphc.nn import functional as F
from graphc.ops.templates import template


def test_words_and_an_example_are_filled_in() -> None:
    @template("double", ">>> double(2)\n4", what="number")
    def function(x: int) -> int:
        """Return twice a {what}.

        Args:
            x: a {what}.
        """
        return 2 * x

    assert function(3) == 6 and function.__name__ == function.__qualname__ == "double"
    text = "Return twice a number.\n\nArgs:\n    x: a number.\n\nExample:\n    >>> double(2)\n    4\n"
    assert function.__doc__ == text


def test_functions_of_a_factory_differ_in_what_they_say() -> None:
    first = [(inspect.getdoc(f) or "").splitlines()[0] for f in (graphc.eq, graphc.lt, graphc.amax, F.conv1d, F.max_pool3d)]
    assert first == [
        "Compare elementwise: return whether input == other.",
        "Compare elementwise: return whether input < other.",
        "Return the largest element, of all of them or along axes; NaN where one of them is.",
        "Convolve the last axis of input with a kernel (cross-correlation: the kernel is not flipped), then add bias.",
        "Return the maximum of each window over the last three axes.",
    ]
    assert "{" not in "".join(inspect.getdoc(f) or "" for f in (F.conv2d, F.conv_transpose2d, F.avg_pool2d, F.dropout2d))


def test_their_histories_have_their_names() -> None:
    x = graphc.ones(1, 1, 4, 4, requires_grad=True)
    names = [F.max_pool2d(x, 2).grad_fn.name(), F.avg_pool2d(x, 2).grad_fn.name(), graphc.amin(x).grad_fn.name()]
    assert names == ["MaxPool2DBackward0", "AvgPool2DBackward0", "AminBackward0"]
