"""Arguments and values that operations refuse: the same in eager and in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F

EAGER_AND_COMPILED = pytest.mark.parametrize("mode", [lambda f: f, G.compile], ids=["eager", "compiled"])
LOGITS = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]], np.float32)


@EAGER_AND_COMPILED
@pytest.mark.parametrize("targets", [[0, 3], [-1, 0], [2**40, 1], [0, -2]])
def test_a_class_that_does_not_exist(mode: Any, targets: list[int]) -> None:
    for loss in (F.cross_entropy, F.nll_loss, lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1, reduction="none")):
        with pytest.raises(IndexError, match="out of bounds"):
            mode(lambda x, t, loss=loss: loss(x, t))(G.tensor(LOGITS), G.tensor(targets)).tolist()
        with pytest.raises(IndexError, match="out of bounds"):  # targets that are computed
            mode(lambda x, t, loss=loss: loss(x, t + 1))(G.tensor(LOGITS), G.tensor(targets) - 1).tolist()
    with pytest.raises(IndexError, match="out of bounds"):
        mode(lambda x, t: G.func.grad(F.cross_entropy)(x, t))(G.tensor(LOGITS), G.tensor(targets)).tolist()


@EAGER_AND_COMPILED
def test_rows_that_are_ignored(mode: Any) -> None:
    loss = mode(lambda x, t: F.cross_entropy(x, t, ignore_index=7))
    assert loss(G.tensor(LOGITS), G.tensor([1, 7])).item() == pytest.approx(np.log(np.exp(LOGITS[0]).sum()) - 2.0, rel=1e-6)
    for ignored in (-100, -1):
        found = mode(lambda x, t, i=ignored: F.nll_loss(x, t, ignore_index=i, reduction="none"))
        assert found(G.tensor(LOGITS), G.tensor([ignored, 2])).tolist() == [0.0, -3.0]


@EAGER_AND_COMPILED
@pytest.mark.parametrize(("classes", "count"), [([0, 3], 3), ([-1, 0], 3), ([0], 0)])
def test_one_hot_of_classes_out_of_range(mode: Any, classes: list[int], count: int) -> None:
    call = mode(lambda t: F.one_hot(t, count).sum())
    with pytest.raises(RuntimeError, match="Class values must be non-negative and smaller than num_classes"):
        call(G.tensor(classes)).tolist()


@EAGER_AND_COMPILED
@pytest.mark.parametrize(("inputs", "targets", "text"), [
    ([0.5, 1.5], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([0.5, float("nan")], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([-1e-7, 0.5], [1.0, 0.0], "all elements of input should be between 0 and 1"),
    ([0.5, 0.5], [1.0, 1.5], "all elements of target should be between 0 and 1"),
])  # fmt: skip
def test_probabilities_out_of_range(mode: Any, inputs: list[float], targets: list[float], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        mode(F.binary_cross_entropy)(G.tensor(inputs), G.tensor(targets)).tolist()
    with pytest.raises(RuntimeError, match=text):
        mode(G.func.grad(F.binary_cross_entropy))(G.tensor(inputs), G.tensor(targets)).tolist()


@EAGER_AND_COMPILED
def test_binary_cross_entropy_after_a_saturated_sigmoid(mode: Any) -> None:
    def slope(x: Any, t: Any) -> Any:
        return G.func.grad(lambda x: F.binary_cross_entropy(G.sigmoid(x), t, reduction="sum"))(x)

    x, t = G.tensor([200.0, -200.0, 0.0, 200.0]), G.tensor([1.0, 0.0, 1.0, 0.0])
    assert mode(slope)(x, t).tolist() == [0.0, 0.0, -0.5, 0.0]
    p = G.tensor([0.0, 1.0, 0.25], dtype=G.float64)
    t = G.tensor([1.0, 1.0, 0.0], dtype=G.float64)
    found = mode(G.func.grad(lambda p, t: F.binary_cross_entropy(p, t, reduction="sum")))(p, t)
    assert found.tolist() == pytest.approx([-1e12, 0.0, 4 / 3])


READS = {
    "index": lambda x, i: x[i],
    "gather": lambda x, i: G.gather(x, 0, i.reshape(1, -1)),
    "index_select": lambda x, i: G.index_select(x, 0, i),
    "take": lambda x, i: G.take(x, i),
    "embedding": lambda x, i: F.embedding(i, x),
    "index of a constant": lambda x, i: G.ones(*x.shape)[i],
    "index of a computed table": lambda x, i: (G.arange(x.shape[0]) * 2)[i],
    "index_add": lambda x, i: x.index_add(0, i, G.ones(2, 3)),
    "index_copy": lambda x, i: x.index_copy(0, i, G.ones(2, 3)),
}


@EAGER_AND_COMPILED
@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("name", READS)
def test_indices_out_of_range(mode: Any, rows: int, name: str) -> None:
    for indices in ([0, 7], [-9, 0], [2**40, 0]):
        with pytest.raises(IndexError):
            mode(READS[name])(G.ones(rows, 3), G.tensor(indices)).tolist()
    if rows == 0 and "take" not in name:
        with pytest.raises(IndexError):
            mode(READS[name])(G.ones(rows, 3), G.tensor([0, 0])).tolist()


@EAGER_AND_COMPILED
def test_no_index_reads_nothing(mode: Any) -> None:
    nothing = G.zeros(0, dtype=G.int64)
    assert mode(lambda x, i: x[i])(G.zeros(0, 3), nothing).shape == (0, 3)
    assert mode(lambda x, i: x[i].sum())(G.zeros(4, 3), nothing).item() == 0.0


X, W = G.ones(1, 2, 6, 6), G.ones(2, 2, 3, 3)
ILLEGAL = [
    (F.conv2d, {"stride": 0}, "non-positive stride"),
    (F.conv2d, {"stride": (1, 0)}, "non-positive stride"),
    (F.conv2d, {"stride": (1, 1, 1)}, "expected stride to be a single integer value or a list of 2 values"),
    (F.conv2d, {"dilation": 0}, "non-positive dilation"),
    (F.conv2d, {"padding": -1}, "negative padding"),
    (F.conv2d, {"padding": "some"}, "Invalid padding string"),
    (F.conv2d, {"groups": 0}, "non-positive groups"),
    (F.conv_transpose2d, {"stride": 0}, "non-positive stride"),
    (F.conv_transpose2d, {"groups": 0}, "non-positive groups"),
    (F.conv_transpose2d, {"output_padding": 5}, "output padding must be smaller"),
    (F.conv_transpose2d, {"output_padding": -1}, "negative output_padding"),
    *((pool, {"kernel_size": 2, **k}, text) for pool in (F.max_pool2d, F.avg_pool2d) for k, text in (
        ({"stride": 0}, "non-positive stride"), ({"kernel_size": 0}, "non-positive kernel_size"),
        ({"padding": -1}, "negative padding"), ({"padding": 2}, "pad should be at most half"),
        ({"kernel_size": (2, 2, 2)}, "list of 2 values"), ({"kernel_size": 9}, "too small"),
    )),
    (F.max_pool2d, {"kernel_size": 2, "dilation": 0}, "non-positive dilation"),
    (F.avg_pool2d, {"kernel_size": 2, "divisor_override": 0}, "divisor must be not zero"),
    (F.adaptive_avg_pool2d, {"output_size": -1}, "negative output_size"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "options", "text"), ILLEGAL, ids=[f"{c.__name__} {o}" for c, o, _ in ILLEGAL])
def test_windows_that_make_no_sense(call: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call(X, *([W] if "conv" in call.__name__ else []), **options)


def test_sizes_that_are_no_integers() -> None:
    with pytest.raises(TypeError, match="expected integers for stride"):
        F.conv2d(X, W, stride=1.5)
    assert F.adaptive_avg_pool2d(X, 0).shape == (1, 2, 0, 0)
