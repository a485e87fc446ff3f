"""Attention and transformers against torch's, where it is installed: values, gradients, masks, compiled training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests import parity
from tests.graphc.nn.reference import RNG


def twins(kind: str, *args: Any, **options: Any) -> Any:
    """Return a function from a library to a module of it with the same float64 weights."""
    theirs = getattr(parity.torch().nn, kind)(*args, **options).double()
    for p in theirs.parameters():
        p.data = parity.torch().tensor(RNG.uniform(-0.5, 0.5, tuple(p.shape)))
    ours = getattr(nn, kind)(*args, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({name: G.tensor(value.detach().numpy()) for name, value in theirs.state_dict().items()})
    return lambda library: ours if library is G else theirs


@pytest.mark.parametrize("options", [
    {}, {"batch_first": True}, {"bias": False}, {"kdim": 3, "vdim": 5}, {"add_bias_kv": True, "add_zero_attn": True},
], ids=str)  # fmt: skip
def test_attention(options: dict[str, Any]) -> None:
    pair = twins("MultiheadAttention", 4, 2, **options)
    q, k, v = (RNG.standard_normal((n, 2, e)) for n, e in ((3, 4), (5, options.get("kdim", 4)), (5, options.get("vdim", 4))))
    if options.get("batch_first"):
        q, k, v = (x.transpose(1, 0, 2).copy() for x in (q, k, v))
    causal, padding = np.triu(np.ones((3, 5)), 2) > 0, np.array([[False, True, False, False, True], [False] * 5])

    def call(library: Any) -> Any:
        module, mask, missing = pair(library), library.tensor(causal), library.tensor(padding)

        def run(q: Any, k: Any, v: Any) -> Any:
            each = library.randn(4, 3, 5).double() * 0 + library.arange(5).double()
            return (
                module(q, k, v), module(q, k, v, attn_mask=mask, key_padding_mask=missing, average_attn_weights=False),
                module(q, k, v, need_weights=False, attn_mask=each)[0],
            )  # fmt: skip

        return run

    parity.assert_same(call, q, k, v)
    if not options:
        parity.assert_same(pair, q[:, 0], k[:, 0], v[:, 0])


OTHER = {"norm_first": True, "batch_first": True, "activation": "gelu", "bias": False}


@pytest.mark.parametrize("options", [{}, OTHER], ids=str)
def test_layers_and_stacks(options: dict[str, Any]) -> None:
    layers = {kind: twins(f"Transformer{kind}Layer", 4, 2, 6, dropout=0.0, **options) for kind in ("Encoder", "Decoder")}
    x, y = RNG.standard_normal((3, 3, 4)), RNG.standard_normal((3, 3, 4))

    stacks = {
        t: (t.nn.TransformerEncoder(layers["Encoder"](t), 2, enable_nested_tensor=False),
            t.nn.TransformerDecoder(layers["Decoder"](t), 2))
        for t in (G, parity.torch())
    }  # fmt: skip

    def call(library: Any) -> Any:
        encoder, decoder = stacks[library]
        mask = library.nn.Transformer.generate_square_subsequent_mask(3).double()

        def run(x: Any, y: Any) -> Any:
            memory = encoder(x, mask=mask, is_causal=True)
            return memory, decoder(y, memory, tgt_mask=mask), layers["Encoder"](library)(x)

        return run

    parity.assert_same(call, x, y)


def test_the_whole_transformer() -> None:
    pair = twins("Transformer", 4, 2, 1, 1, 6, 0.0)
    x, y = RNG.standard_normal((5, 2, 4)), RNG.standard_normal((3, 2, 4))
    parity.assert_same(pair, x, y)
    assert isinstance(pair(G).encoder, nn.TransformerEncoder) and isinstance(pair(G).decoder, nn.TransformerDecoder)


def test_training_of_a_compiled_step() -> None:
    G.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 2))
    optimizer = G.optim.Adam(model.parameters(), lr=0.01)
    x = G.randn(8, 5, 2)

    @G.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = ((model(x) - x.flip(1)) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(x).item() for _ in range(60)]
    assert losses[-1] < 0.9 * losses[0] and isinstance(model[1], nn.TransformerEncoderLayer)


def test_second_derivatives() -> None:
    module = nn.MultiheadAttention(2, 1).double()
    parity.assert_second(lambda x: module(x, x, x)[0], RNG.standard_normal((3, 1, 2)))
    decoder = nn.TransformerDecoderLayer(2, 1, 2, 0.0, activation=G.tanh).double()
    assert decoder(G.ones(3, 2).double(), G.ones(4, 2).double()).shape == (3, 2)


@pytest.mark.parametrize("call", [
    lambda t: t.nn.MultiheadAttention(0, 2),
    lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="sin"),
    lambda t: t.nn.Transformer(4, 2, 1, 1, 6)(t.ones(3, 1, 5), t.ones(3, 1, 4)),
    lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 1, 4)] * 3, attn_mask=t.ones(2, 2)),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)
