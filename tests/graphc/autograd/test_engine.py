"""Which part of a history a backward uses up: the steps on the way to the chosen inputs, and no others."""

from __future__ import annotations

import pytest

import graphc as G

TWICE = "backward through the graph a second time"


def branches(hooked):
    """Return two leaves, their squares, and the sum of these; hooks take the engine over grad_fns instead of recordings."""
    a = G.tensor([2.0, 3.0], requires_grad=True)
    b = G.tensor([5.0, 7.0], requires_grad=True)
    u, v = a * a, b * b
    for value in (u, v) if hooked else ():
        value.register_hook(lambda grad: None)
    return a, b, u, v, (u + v).sum()


both_engines = pytest.mark.parametrize("hooked", [False, True], ids=["recorded", "hooked"])


@both_engines
def test_the_way_to_the_inputs_is_freed(hooked):
    a, b, u, v, loss = branches(hooked)
    loss.backward(inputs=[a])
    assert a.grad.tolist() == [4.0, 6.0] and b.grad is None
    with pytest.raises(RuntimeError, match=TWICE):
        u.sum().backward()
    v.sum().backward()
    assert b.grad.tolist() == [10.0, 14.0]


@both_engines
def test_everything_is_freed_without_inputs(hooked):
    _, _, u, v, loss = branches(hooked)
    loss.backward()
    for value in (u, v):
        with pytest.raises(RuntimeError, match=TWICE):
            value.sum().backward()


@both_engines
def test_nothing_is_freed_when_the_graph_is_kept(hooked):
    a, b, u, v, loss = branches(hooked)
    loss.backward(inputs=[a], retain_graph=True)
    u.sum().backward()
    v.sum().backward()
    assert a.grad.tolist() == [8.0, 12.0] and b.grad.tolist() == [10.0, 14.0]


@both_engines
def test_grad_frees_the_same_steps(hooked):
    a, b, u, v, loss = branches(hooked)
    (found,) = G.autograd.grad(loss, [b])
    assert found.tolist() == [10.0, 14.0]
    with pytest.raises(RuntimeError, match=TWICE):
        v.sum().backward()
    u.sum().backward()
    assert a.grad.tolist() == [4.0, 6.0]


X, M = G.tensor([2.0, 3.0], requires_grad=True), G.ones(3, 3, requires_grad=True)
BATCH = G.ones(2, 4, 3)
SAVE = {
    "mul": lambda: X * X,
    "div": lambda: X / 2,
    "linear of a batch": lambda: G.nn.functional.linear(BATCH, M),
    "matmul of a batch": lambda: BATCH @ M,
    "vector on the left": lambda: G.ones(3) @ M,
    "where": lambda: G.where(X > 0, X, X),
    "index": lambda: X[G.tensor([0, 1])],
    "nansum": lambda: G.nansum(X),
    "gather": lambda: G.gather(X, 0, G.tensor([0])),
}
SAVE_NOTHING = {
    "add": lambda: X + X,
    "rsub": lambda: 1 - X,
    "neg": lambda: -X,
    "sum of an axis": lambda: M.sum(0),
    "mean": lambda: M.mean(),
    "cumsum": lambda: G.cumsum(X, 0),
    "cat": lambda: G.cat([X, X]),
    "stack": lambda: G.stack([X, X]),
    "hstack": lambda: G.hstack([X, X]),
    "repeat": lambda: X.repeat(2),
    "roll": lambda: G.roll(X, 1),
    "rot90": lambda: G.rot90(M),
    "flip": lambda: G.flip(X, [0]),
    "tril": lambda: G.tril(M),
    "trace": lambda: G.trace(M),
    "diag_embed": lambda: G.diag_embed(X),
    "pad": lambda: G.nn.functional.pad(X, (1, 1)),
    "floor": lambda: G.floor(X),
    "round": lambda: G.round(X),
    "frac": lambda: G.frac(X),
    "sign": lambda: G.sign(X),
    "rad2deg": lambda: G.rad2deg(X),
    "clone": lambda: X.clone(),
    "cast": lambda: X.double(),
    "select": lambda: M[0],
    "slice": lambda: M[:, 1:],
    "reshaped copy": lambda: M.t().reshape(9),
    "unfold": lambda: X.unfold(0, 1, 1),
    "meshgrid": lambda: G.meshgrid(X, X, indexing="ij")[0],
    "atleast_3d": lambda: G.atleast_3d(X),
    "copy_": lambda: G.zeros(2).copy_(X),
}
"""Operations whose history torch lets go through once, and any number of times."""


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize("name", [*SAVE, *SAVE_NOTHING])
def test_a_second_backward_needs_values_that_were_saved(name, looked_at):
    made = {**SAVE, **SAVE_NOTHING}[name]()
    if looked_at:
        made.tolist()
    total = made.sum()
    total.backward()
    if name in SAVE:
        with pytest.raises(RuntimeError, match=TWICE):
            total.backward()
    else:
        total.backward()


@pytest.mark.parametrize("run", [lambda f: f, G.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("recorded", [True, False])
def test_the_gradient_of_a_gradient_is_none_where_it_does_not_depend_on_a_leaf(run, recorded: bool) -> None:
    """The last bias of a network does not change the gradient with respect to its input; a bias before a relu gets zeros."""
    w1, b1, w2, b2 = (G.tensor(a, requires_grad=True) for a in ([[1.0, -2.0]], [0.5, 0.25], [[3.0], [4.0]], [7.0]))
    if not recorded:
        b2.register_hook(lambda g: g)

    def penalty(x):
        x = x.detach().requires_grad_()
        y = (x @ w1 + b1).relu() @ w2 + b2
        g, gw = G.autograd.grad(y.sum(), (x, w2), create_graph=True)
        return (g**2).sum(), gw.sum()

    f = run(penalty)
    for _ in range(3):
        for p in (w1, b1, w2, b2):
            p.grad = None
        of_x, of_w = f(G.tensor([[1.0], [2.0]]))
        of_x.backward(retain_graph=True)
        assert [None if p.grad is None else p.grad.tolist() for p in (w1, b1, w2, b2)] == [
            [[36.0, 0.0]], [0.0, 0.0], [[12.0], [0.0]], None,
        ]  # fmt: skip
        (g,) = G.autograd.grad(of_w, b2, allow_unused=True)
        assert g is None
