"""Errors with torch's first line and the user's file and line."""

from __future__ import annotations

import pytest

import graphc as torch


def test_an_error_has_torchs_first_line_and_the_users_place() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 3) + torch.ones(2, 2)
    first, place = str(caught.value).splitlines()
    assert first == "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1"
    assert "test_errors.py" in place and "torch.ones(2, 3) + torch.ones(2, 2)" in place


class Foreign:
    pass


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: torch.matmul(torch.ones(2, 2), [[1, 2], [3, 4]]),
            r"matmul\(\) expected a Tensor, got .* of type list",
        ),
        (lambda: torch.cat([torch.ones(2), Foreign()]), r"cat\(\) expected a Tensor, got .* of type Foreign"),
        (lambda: torch.exp(Foreign()), "expected a Tensor or a number, got Foreign"),
        (lambda: torch.tensor({1: 2}), r"expected numbers, arrays or nested sequences of them, got \{1: 2\}"),
        (lambda: torch.tensor("abc"), "expected numbers, arrays or nested sequences of them, got 'abc'"),
        (lambda: torch.ones(2).__setitem__(0, Foreign()), "expected a Tensor or a number, got Foreign"),
        (lambda: torch.ones(2).copy_("3"), "expected a Tensor or a number, got str"),
        (lambda: torch.ones(2, requires_grad=True).backward("a"), "expected gradients as Tensors or None, got str"),
        (lambda: torch.nn.Linear(2, 2)("x"), r"linear\(\) expected a Tensor, got 'x' of type str"),
    ],
)
def test_foreign_objects_are_named_with_the_users_line(call, message):
    with pytest.raises(TypeError, match=message) as caught:
        call()
    assert f"\n  at {__file__}:{call.__code__.co_firstlineno}" in str(caught.value)
