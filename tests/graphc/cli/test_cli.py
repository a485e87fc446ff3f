"""The command line: the main job learns and says what it did; `dump` prints every stage and refuses nonsense."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from graphc.cli import main
from graphc.cli.digits import batches, load
from graphc.cli.dump import STAGES, example
from graphc.cli.progress import track
from graphc.cli.train import BATCH, Trainer
from graphc.codegen.runtime.disk import Store
from graphc.compiler.api import compile
from graphc.ir.text.parser import parse
from tests.paths import ROOT

GELU = f"{ROOT / 'examples' / 'gelu_kernel.py'}:gelu"
ATTENTION = f"{ROOT / 'examples' / 'attention.py'}:attention"


# -- the main job --------------------------------------------------------------------------------------------


def test_main_job_learns_and_writes_every_stage(tmp_path, capsys):
    assert main(["--quiet", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert float(lines["accuracy"].split("%")[0]) > 97
    assert set(lines) == {"accuracy", "captured", "with", "fused", "compile", "step", "stages"}
    files = {f.name: f.read_text() for f in tmp_path.iterdir()}
    assert all(name in lines["stages"] for name in files)
    sizes = {name[3:-3]: len(parse(text).nodes()) for name, text in sorted(files.items()) if name.endswith(".ir")}
    assert (*sizes,)[0] == "captured" and (*sizes,)[-1] == "bufferized"
    assert sizes["captured"] < sizes["adjoint"] > sizes["scalarized"] > sizes["fused"] == sizes["bufferized"]
    assert "kernel " in files["step.kernels"] and "linalg.generic" in files["step.mlir"]
    assert "define" in files["step.ll"] and "define" in files["step-as-emitted.ll"] and "program:" in files["step.s"]


def test_main_job_fails_if_nothing_was_learned(tmp_path, monkeypatch):
    monkeypatch.setattr("graphc.cli.train._train", lambda *args, **kwargs: 0.9)
    assert main(["--quiet", "--out", str(tmp_path)]) == 1


def test_compiled_step_does_what_the_numpy_one_does():
    digits, trainer = load(), Trainer(seed=3)
    twin = trainer.numpy_twin()
    for x, y in batches(digits.train_x, digits.train_y, BATCH, np.random.default_rng(0)):
        np.testing.assert_allclose(trainer.step(x, y), twin.step(x, y), rtol=2e-4)
    for ours, theirs in zip(trainer.model.parameters(), twin.parameters, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=1e-4)


def test_digits_are_whole_and_split_without_overlap():
    digits = load()
    assert digits.train_x.shape == (1438, 64) and digits.test_x.shape == (359, 64)
    assert digits.train_x.dtype == np.float32 and digits.train_y.dtype == np.int64
    every = np.concatenate([digits.train_x, digits.test_x])
    assert every.min() == 0 and every.max() == 1 and int((every * 16).sum()) == 561718
    counts = np.bincount(np.concatenate([digits.train_y, digits.test_y])).tolist()
    assert counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert not set(map(bytes, digits.train_x)) & set(map(bytes, digits.test_x))


def test_batches_are_full_and_hold_each_row_once():
    x = np.arange(10)
    found = batches(x, x * 2, 3, np.random.default_rng(0))
    assert [len(a) for a, _ in found] == [3, 3, 3]
    assert all((b == 2 * a).all() for a, b in found)
    assert len(set(np.concatenate([a for a, _ in found]))) == 9


@pytest.mark.parametrize("missing", [False, True])
def test_progress_shows_counts_on_stderr(capsys, monkeypatch, missing):
    if missing:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    assert list(track(3, "working", lambda: "well")) == [0, 1, 2]
    out, err = capsys.readouterr()
    assert out == "" and "working" in err and "3/3" in err and "well" in err


# -- dump ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stage, text",
    [
        ("captured", "erf"), ("adjoint", "erf"), ("merged", "erf"), ("unrolled", "erf"), ("rematerialized", "erf"),
        ("hoisted", "erf"), ("optimized", "erf"), ("scalarized", "erf"),
        ("fused", "fusion"), ("kernels", "(vector "), ("mlir", "math.erf"),
        ("emitted", "<16 x float>"), ("llvm", "<16 x float>"), ("asm", "program:"), ("cost", "kernels=1"),
    ],
)  # fmt: skip
def test_dump_prints_each_stage(capsys, stage, text):
    assert main(["dump", GELU, "--shape", "1000:f32", "--stage", stage]) == 0
    assert text in capsys.readouterr().out


def test_dump_of_several_arguments(capsys):
    assert main(["dump", ATTENTION, "--shape", "2,8,4:f64", "2,8,4:f64", "--shape", "2,8,4:f64"]) == 0
    assert parse(capsys.readouterr().out).results[0].shape == (2, 8, 4)


def test_dump_of_a_gradient(capsys):
    assert main(["dump", GELU.replace(":gelu", ":total"), "--shape", "8", "--grad", "--stage", "adjoint"]) == 0
    graph = parse(capsys.readouterr().out)
    assert graph.results[0].shape == (8,) and any(n.op.name == "exp" for n in graph.nodes())


def test_dump_of_a_compiled_function(capsys):
    spec = f"{ROOT / 'examples' / 'mlp_digits.py'}:step"
    assert main(["dump", spec, "--shape", "64,64:f32", "64:i64", "--stage", "captured"]) == 0
    assert parse(capsys.readouterr().out).name == "step"


def test_list_names_every_stage_and_only_those(capsys):
    assert main(["dump", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(STAGES)
    lowered = compile(lambda x: x + 1).lower(np.ones(3))
    assert [stage for stage in STAGES if stage not in ("emitted", "cost")] == lowered.stages


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected file.py:function, got nothing"),
        (["examples/x"], "expected file.py:function, got 'examples/x'"),
        (["no.py:f"], "expected a file, but there is no no.py"),
        ([GELU.replace(":gelu", ":geru")], "expected one of gelu, total, main of"),
        ([GELU.replace(":gelu", ":np")], "expected a function, but np of"),
        ([GELU, "--stage", "optimised"], "expected a stage of captured, adjoint,"),
        ([GELU, "--shape", "8:f16"], "with a dtype of f32, f64, i32, i64, u8, bool, got '8:f16'"),
        ([GELU, "--shape", "8,-1"], "expected a shape as 128,64:f32"),
        (["--epochs", "0"], "unrecognized arguments: --epochs"),
    ],
)
def test_dump_refuses_senseless_arguments(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(["dump", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_main_job_refuses_senseless_arguments(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--epochs", "none"])
    assert stop.value.code == 2
    assert "expected a positive number, got 'none'" in capsys.readouterr().err


def test_dump_says_where_the_function_fails(capsys):
    assert main(["dump", ATTENTION, "--shape", "2,8,32", "2,8,16", "2,8,32"]) == 1
    err = capsys.readouterr().err
    assert "2,8,16" in err and "attention.py:" in err


@pytest.mark.parametrize(
    "spec, shape, dtype",
    [("2,3:f64", (2, 3), np.float64), ("7", (7,), np.float32), (":i64", (), np.int64), ("0,1:bool", (0, 1), np.bool_)],
)
def test_shapes_are_read(spec, shape, dtype):
    assert example(spec).shape == shape and example(spec).dtype == dtype


def test_the_module_runs():
    command = [sys.executable, "-m", "graphc", "dump", "--list"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.startswith("captured")


# -- cache ---------------------------------------------------------------------------------------------------


def test_the_cache_is_shown_and_cleared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path))
    for i in range(3):
        Store("object").store(f"key {i}", bytes(1000), 1.0)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 3 entries, 0.0 MB of at most 268 MB\n"
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}: 0 entries") and list(tmp_path.iterdir()) == []
    monkeypatch.setenv("GRAPHC_CACHE", "0")
    assert main(["cache"]) == 0
    assert "the cache is off" in capsys.readouterr().out
