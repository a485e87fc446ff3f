"""The main program: train a digit classifier whose whole step is one compiled program, then print its stages and timings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc import nn
from graphc.cli.digits import Digits, batches, load
from graphc.cli.numpy_digits import NumpyMLP
from graphc.cli.progress import track
from graphc.compiler.api import compile
from graphc.compiler.lowered import Lowered
from graphc.ir.text.parser import parse
from graphc.nn import functional as F
from graphc.ops.random.generator import manual_seed
from graphc.optim import Adam
from graphc.tensors.tensor import Tensor

__all__ = ["BATCH", "LEARNING_RATE", "Trainer", "in_turns", "run", "write_stages"]

BATCH = 64
LEARNING_RATE = 5e-3


class Trainer:
    """A 64-128-10 classifier with Adam; `step` and `predict` are compiled."""

    def __init__(self, seed: int = 0) -> None:
        manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
        self.optimizer = Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.step = compile(self._step)
        self.predict = compile(self._predict)

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        """Take one step on images f32 (n, 64) with labels i64 (n,); return the loss before the step."""
        self.optimizer.zero_grad()
        loss: Tensor = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def _predict(self, x: Tensor) -> Tensor:
        """Return the most likely labels, i64 (n,)."""
        labels: Tensor = self.model(x).argmax(dim=1)
        return labels

    def accuracy(self, x: NDArray[Any], y: NDArray[Any]) -> float:
        """Return the fraction of correct labels."""
        return float(np.mean(self.predict(x) == y))

    def numpy_twin(self) -> NumpyMLP:
        """Return the same model in plain NumPy, with the current parameters and a new optimizer."""
        return NumpyMLP([p.detach().numpy() for p in self.model.parameters()], LEARNING_RATE)


@dataclass(frozen=True)
class _Times:
    """Seconds: the first call, which compiles, and the medians of a step."""

    first: float
    compiled: float
    numpy: float


def run(out: Path, epochs: int, *, quiet: bool) -> int:
    """Train, print the results, write every stage of the step to `out`; return 0 if the accuracy is reached, else 1."""
    digits, trainer = load(), Trainer()
    twin = trainer.numpy_twin()
    x, y = digits.train_x[:BATCH], digits.train_y[:BATCH]
    first = _seconds(lambda: trainer.step(x, y))
    accuracy = _train(trainer, digits, epochs, quiet=quiet)
    compiled, numpy = in_turns(lambda: trainer.step(x, y), lambda: twin.step(x, y))
    lowered = trainer.step.lower(x, y)
    print(_summary(digits, accuracy, lowered, _Times(first, compiled, numpy)))
    files = write_stages(lowered, out)
    print(f"stages        {', '.join(f.name for f in files)} in {out}")
    return 0 if accuracy > 0.97 else 1


def _train(trainer: Trainer, digits: Digits, epochs: int, *, quiet: bool) -> float:
    """Train for `epochs` epochs; return the accuracy on the test digits."""
    rng = np.random.default_rng(0)
    loss = accuracy = 0.0

    def report() -> str:
        return f"loss {loss:.4f}  held-out accuracy {accuracy:6.2%}"

    for _ in track(epochs, "training", report, quiet=quiet):
        losses = [trainer.step(x, y) for x, y in batches(digits.train_x, digits.train_y, BATCH, rng)]
        loss = float(np.mean(losses))
        accuracy = trainer.accuracy(digits.test_x, digits.test_y)
    return accuracy


def _summary(digits: Digits, accuracy: float, lowered: Lowered, times: _Times) -> str:
    captured, adjoint, fused = (_count(lowered, stage) for stage in ("captured", "adjoint", "fused"))
    cost = lowered.cost()
    work = f"{cost.flops / 1e6:.1f} Mflop, {cost.arena_bytes >> 10} KiB of scratch"
    ratio = times.numpy / times.compiled
    return f"""\
accuracy      {accuracy:.2%} of {len(digits.test_y)} digits that were held out
captured      {captured} operations: the model and its loss
with adjoint  {adjoint} operations: gradients and Adam too
fused         {fused} operations, run as {cost.kernels} kernels; {work}
compile       {1e3 * times.first:.0f} ms from the first line captured to the first result
step          {1e6 * times.compiled:.0f} µs; the same step in NumPy {1e6 * times.numpy:.0f} µs, {ratio:.1f} times as long"""


def _count(lowered: Lowered, stage: str) -> int:
    """Count the operations at a stage, without constants and indices."""
    return sum(node.op.kind != "leaf" for node in parse(lowered.ir(stage)).nodes())


def in_turns(*calls: Callable[[], Any], rounds: int = 15, count: int = 40) -> list[float]:
    """Return the median seconds of each call, from `rounds` alternating rounds of `count` calls."""
    durations: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, durations, strict=True):
            times.append(_seconds(lambda call=call: [call() for _ in range(count)]) / count)  # type: ignore[misc]
    return [statistics.median(times) for times in durations]


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def write_stages(lowered: Lowered, out: Path) -> list[Path]:
    """Write the text of every stage to a folder, created if missing, and return the files."""
    out.mkdir(parents=True, exist_ok=True)
    tensor_stages = lowered.stages[: lowered.stages.index("kernels")]
    texts: dict[str, Callable[[], str]] = {
        **{f"{i:02}-{stage}.ir": lambda stage=stage: lowered.ir(stage) for i, stage in enumerate(tensor_stages, 1)},  # type: ignore[misc]
        "step.kernels": lambda: lowered.ir("kernels"),
        "step.mlir": lowered.mlir,
        "step-as-emitted.ll": lambda: lowered.llvm_ir(optimized=False),
        "step.ll": lowered.llvm_ir,
        "step.s": lowered.asm,
    }
    for name, text in texts.items():
        (out / name).write_text(text(), encoding="utf-8")
    return [out / name for name in texts]
