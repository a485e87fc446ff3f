"""Hooks of modules around forward, backward and state dictionaries."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import graphc as G
from graphc import nn


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(2, 2)
        with G.no_grad():
            self.lin.weight.copy_(G.tensor([[0.0, 1.0], [2.0, 3.0]]))
            self.lin.bias.zero_()

    def forward(self, x: Any, k: float, y: Any) -> Any:
        return self.lin(x) * k, y * 2


def listed(gradients: Any) -> Any:
    return [None if g is None else g.tolist() for g in gradients]


def test_backward_hooks_see_and_replace_gradients() -> None:
    model, seen = Two(), []
    x, y = G.tensor([[1.0, 2.0]], requires_grad=True), G.tensor([3.0], requires_grad=True)
    handle = model.register_full_backward_hook(lambda m, gi, go: seen.append((listed(gi), listed(go))))
    a, _ = model(x, 1.0, y)
    a.sum().backward()
    assert seen == [([[[2.0, 4.0]], None, [0.0]], [[[1.0, 1.0]], None])]
    handle.remove()
    triple = model.register_full_backward_hook(lambda m, gi, go: (gi[0] * 3, None, gi[2]))
    double = model.register_full_backward_pre_hook(lambda m, go: (go[0] * 2, go[1]))

    def gradients() -> Any:
        x.grad = y.grad = None
        a, b = model(x, 1.0, y)
        (a.sum() + b.sum()).backward()
        return x.grad, y.grad

    for run in (gradients, G.compile(gradients)):
        assert listed(run()) == [[[12.0, 24.0]], [2.0]]
    compiled = G.compile(gradients)
    assert listed(compiled()) == [[[12.0, 24.0]], [2.0]]
    triple.remove()
    assert listed(compiled()) == [[[4.0, 8.0]], [2.0]]
    double.remove()
    assert listed(compiled()) == [[[2.0, 4.0]], [2.0]]


def test_backward_hooks_without_inputs_that_need_gradients() -> None:
    layer, seen = nn.Linear(1, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((listed(gi), listed(go))))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        layer(G.ones(1, 1)).backward()
    assert seen == [([None], [[[1.0]]])]
    layer.register_full_backward_hook(lambda m, gi, go: go)
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="should always return None"):
        layer(G.ones(1, 1)).backward()
    with G.no_grad():
        layer(G.ones(1, 1))
    with pytest.raises(NotImplementedError, match="use register_full_backward_hook"):
        layer.register_backward_hook(print)


def test_wrong_numbers_of_gradients() -> None:
    layer, x = nn.Identity(), G.ones(1, requires_grad=True)
    layer.register_full_backward_hook(lambda m, gi, go: (*gi, None))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        layer(x).backward()
    layer.register_full_backward_pre_hook(lambda m, go: ())
    with pytest.raises(RuntimeError, match="invalid number of grad_output, got 0, but expected 1"):
        layer(x).backward()


def test_order_and_keywords_of_forward_hooks() -> None:
    class Scale(nn.Module):
        def forward(self, x: Any, factor: float = 1.0) -> Any:
            if factor == 0:
                raise ValueError("zero")
            return x * factor

    layer, seen = Scale(), []
    layer.register_forward_hook(lambda m, a, r: seen.append("second"))
    layer.register_forward_hook(lambda m, a, k, r: seen.append(k), prepend=True, with_kwargs=True)
    layer.register_forward_hook(lambda m, a, r: seen.append("always"), always_call=True)
    layer.register_forward_pre_hook(lambda m, a, k: (a, {"factor": k["factor"] * 2}), with_kwargs=True)
    assert layer(G.ones(1), factor=3.0).tolist() == [6.0] and seen == [{"factor": 6.0}, "second", "always"]
    seen.clear()
    with pytest.raises(ValueError, match="zero"):
        layer(G.ones(1), factor=0.0)
    assert seen == ["always"]
    layer.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple"):
        layer(G.ones(1), factor=1.0)


def test_state_dict_hooks() -> None:
    model, seen = nn.Sequential(nn.Linear(1, 1)), []
    model[0].register_state_dict_pre_hook(lambda m, prefix, keep: seen.append((prefix, keep)))
    model[0].register_state_dict_post_hook(lambda m, state, prefix, meta: state.update({prefix + "more": meta["version"]}))
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0.more"] and state["0.more"] == 1 and seen == [("0.", False)]

    def take(m: Any, state: Any, prefix: str, meta: Any, strict: bool, missing: Any, unexpected: Any, errors: Any) -> None:
        seen.append(type(m).__name__)
        state.pop(prefix + "more", None)

    model[0].register_load_state_dict_pre_hook(take)
    model[0].register_load_state_dict_post_hook(lambda m, keys: seen.append(list(keys)))
    model.load_state_dict(state)
    assert seen[1:] == ["Linear", [[], []]]
    copy.deepcopy(model).load_state_dict(state)
    model.register_state_dict_post_hook(lambda *args: 1)
    with pytest.raises(RuntimeError, match="must return None"):
        model.state_dict()


def test_post_hooks_may_forgive_missing_names() -> None:
    layer = nn.Linear(1, 1)
    layer.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    layer.load_state_dict({"weight": G.ones(1, 1)})
    assert layer.weight.tolist() == [[1.0]]
    layer.register_load_state_dict_post_hook(lambda m, keys: keys)
    with pytest.raises(AssertionError, match="not expected to return new values"):
        layer.load_state_dict({})


class Counter(nn.Module):
    count = 0

    def get_extra_state(self) -> Any:
        return {"count": self.count}

    def set_extra_state(self, state: Any) -> None:
        self.count = state["count"]


def test_extra_state() -> None:
    model = nn.Sequential(Counter(), nn.Linear(1, 1))
    model[0].count = 5
    state = model.state_dict()
    assert next(iter(state)) == "0._extra_state" and state["0._extra_state"] == {"count": 5}
    other = nn.Sequential(Counter(), nn.Linear(1, 1))
    other.load_state_dict(state)
    assert other[0].count == 5
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0\._extra_state"'):
        other.load_state_dict({k: v for k, v in state.items() if "extra" not in k})
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        nn.Linear(1, 1).load_state_dict({**nn.Linear(1, 1).state_dict(), "_extra_state": 1})


def test_subclasses_may_extend_saving_and_loading() -> None:
    class Old(nn.Linear):
        def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "w"] = destination.pop(prefix + "weight")

        def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, *others)

    model = nn.Sequential(Old(1, 1))
    assert list(model.state_dict()) == ["0.bias", "0.w"]
    model.load_state_dict({"0.w": G.ones(1, 1), "0.bias": G.zeros(1)})
    assert model[0].weight.tolist() == [[1.0]]
