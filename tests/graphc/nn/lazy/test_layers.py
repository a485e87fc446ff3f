"""Lazy layers become ordinary ones in their first call, by loading, in copies and pickles: as torch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn

torch = pytest.importorskip("torch")

MAKERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda n: n.LazyLinear(4), (2, 3)),
    "conv1d": (lambda n: n.LazyConv1d(4, 2, stride=2, padding=1), (2, 3, 9)),
    "conv2d": (lambda n: n.LazyConv2d(4, (2, 3), groups=2, bias=False), (2, 4, 5, 5)),
    "conv3d": (lambda n: n.LazyConv3d(4, 2, 1, 1, 1, 1, True, "replicate"), (3, 3, 3, 3)),
    "conv_transpose1d": (lambda n: n.LazyConvTranspose1d(4, 2, stride=2, output_padding=1), (2, 3, 4)),
    "conv_transpose2d": (lambda n: n.LazyConvTranspose2d(4, 2, 2, 0, 1, 2), (2, 4, 3, 3)),
    "conv_transpose3d": (lambda n: n.LazyConvTranspose3d(4, 2, bias=False), (2, 4, 2, 2, 2)),
    "batch_norm1d": (lambda n: n.LazyBatchNorm1d(momentum=None), (4, 3)),
    "batch_norm2d": (lambda n: n.LazyBatchNorm2d(affine=False), (4, 3, 2, 2)),
    "batch_norm3d": (lambda n: n.LazyBatchNorm3d(track_running_stats=False, bias=False), (4, 3, 2, 2, 2)),
    "instance_norm1d": (lambda n: n.LazyInstanceNorm1d(affine=False), (4, 3, 5)),
    "instance_norm2d": (lambda n: n.LazyInstanceNorm2d(), (4, 3, 2, 2)),
    "instance_norm3d": (lambda n: n.LazyInstanceNorm3d(track_running_stats=False), (4, 3, 2, 2, 2)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_first_calls_are_torchs(name: str) -> None:
    make, shape = MAKERS[name]
    theirs, mine, x = make(torch.nn), make(nn), np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert repr(mine) == repr(theirs) and list(mine.state_dict()) == list(theirs.state_dict())
    twins = [copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))]
    expected = theirs(torch.tensor(x)).detach().numpy()
    loaded = make(nn)
    loaded.load_state_dict({k: G.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    for layer in (mine, *twins, loaded):
        y = layer(G.tensor(x))
        assert repr(layer) == repr(theirs) and type(layer).__name__ == type(theirs).__name__
        assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == {
            k: tuple(v.shape) for k, v in theirs.state_dict().items()
        }
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-5)


def test_a_model_of_lazy_layers_trains() -> None:
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1)).double()
    assert all(isinstance(p, nn.UninitializedParameter) for p in model.parameters())
    with pytest.raises(RuntimeError, match="call LazyLinear once before it is compiled"):
        G.compile(model)(G.ones(2, 2, dtype=G.float64))
    model(G.ones(2, 2, dtype=G.float64))
    optimizer = G.optim.SGD(model.parameters(), lr=0.1)

    @G.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (model(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    losses = [step(G.ones(2, 2, dtype=G.float64)).item() for _ in range(20)]
    assert losses[-1] < losses[0] and model[0].weight.dtype is G.float64


def test_shapes_are_unknown_before() -> None:
    layer = nn.LazyLinear(3)
    assert repr(layer.weight) == "<UninitializedParameter>" and layer.state_dict()["weight"] is layer.weight
    for call in (
        lambda: layer.weight.shape,
        lambda: layer.weight.numel(),
        lambda: nn.Linear(2, 3).load_state_dict(layer.state_dict()),
    ):
        with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
            call()
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(3, 2)(G.ones(3))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.LazyConv2d(4, 2, groups=2)(G.ones(3, 4, 4))
    nn.LazyLinear(2).load_state_dict(nn.LazyLinear(2).state_dict())


def test_a_buffer_without_a_shape_gets_one() -> None:
    buffer = nn.UninitializedBuffer(dtype=G.float64)
    with pytest.raises(RuntimeError, match="uninitialized"):
        buffer.numel()
    buffer.materialize((2, 3))
    assert buffer.shape == (2, 3) and buffer.dtype is G.float64 and type(buffer) is G.Tensor
