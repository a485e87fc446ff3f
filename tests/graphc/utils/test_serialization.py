"""Tensors in files: what comes back, and what a file may not ask for."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import graphc as torch
from graphc import nn


def round_trip(value, **keywords):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, **keywords)


def test_tensors_come_back_with_dtype_shape_and_requires_grad():
    for dtype in (torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8, torch.bool):
        x = round_trip(torch.tensor([[0, 1], [2, 3]]).to(dtype))
        assert x.dtype is dtype and x.tolist() == torch.tensor([[0, 1], [2, 3]]).to(dtype).tolist()
    w = round_trip({"w": [torch.ones(0, 2, requires_grad=True), 3, "name", None, np.float32(2)]})["w"]
    assert w[0].requires_grad and w[0].is_leaf and w[0].shape == (0, 2) and w[1:] == [3, "name", None, 2]


def test_a_model_and_its_optimizer_go_on_where_they_stopped(tmp_path):
    def train(model, optimizer, steps):
        x = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) - 1).square().mean().backward()
            optimizer.step()
        return [p.tolist() for p in model.parameters()]

    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    train(model, optimizer, 2)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    expected = train(model, optimizer, 2)

    state = torch.load(tmp_path / "state.pt", map_location="cpu")
    assert isinstance(state["model"], OrderedDict)
    again = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    other = torch.optim.Adam(again.parameters(), lr=1.0)
    again.load_state_dict(state["model"])
    other.load_state_dict(state["optimizer"])
    assert train(again, other, 2) == expected


class Asks:
    def __reduce__(self):
        return (print, ("code of the file's choice",))


def test_a_file_runs_no_code_unless_it_is_trusted(capsys):
    with pytest.raises(pickle.UnpicklingError, match=r"tensors, arrays, numbers .* got builtins.print"):
        round_trip(Asks())
    assert capsys.readouterr().out == ""
    round_trip(Asks(), weights_only=False)
    assert capsys.readouterr().out == "code of the file's choice\n"
    with pytest.raises(pickle.UnpicklingError, match=r"got graphc\.nn\.layers\.Linear"):
        round_trip(nn.Linear(1, 1))
    assert round_trip(nn.Linear(1, 2), weights_only=False).weight.shape == (2, 1)


def test_there_is_no_other_device():
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match="cpu, which is the only one"):
        round_trip(torch.ones(1), map_location="cuda")
