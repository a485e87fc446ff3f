"""Which part of a history a backward uses up: the steps on the way to the chosen inputs, and no others."""

from __future__ import annotations

import pytest

import graphc as G

TWICE = "backward through the graph a second time"


def branches():
    a = G.tensor([2.0, 3.0], requires_grad=True)
    b = G.tensor([5.0, 7.0], requires_grad=True)
    u, v = a * a, b * b
    return a, b, u, v, (u + v).sum()


def test_the_way_to_the_inputs_is_freed():
    a, b, u, v, loss = branches()
    loss.backward(inputs=[a])
    assert a.grad.tolist() == [4.0, 6.0] and b.grad is None
    with pytest.raises(RuntimeError, match=TWICE):
        u.sum().backward()
    v.sum().backward()
    assert b.grad.tolist() == [10.0, 14.0]


def test_everything_is_freed_without_inputs():
    _, _, u, v, loss = branches()
    loss.backward()
    for value in (u, v):
        with pytest.raises(RuntimeError, match=TWICE):
            value.sum().backward()


def test_nothing_is_freed_when_the_graph_is_kept():
    a, b, u, v, loss = branches()
    loss.backward(inputs=[a], retain_graph=True)
    u.sum().backward()
    v.sum().backward()
    assert a.grad.tolist() == [8.0, 12.0] and b.grad.tolist() == [10.0, 14.0]


def test_grad_frees_the_same_steps():
    a, b, u, v, loss = branches()
    (found,) = G.autograd.grad(loss, [b])
    assert found.tolist() == [10.0, 14.0]
    with pytest.raises(RuntimeError, match=TWICE):
        v.sum().backward()
    u.sum().backward()
    assert a.grad.tolist() == [4.0, 6.0]
