"""MLIR text, judged by a compiler that is not ours: IREE verifies it, compiles it and runs it, and its numbers are compared
with those of our evaluator.

Compiling costs seconds, so all graphs of a kind are functions of one module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.codegen.mlir import FOLDS, HOLES, SPELLING, modules, to_mlir
from graphc.codegen.mlir_scalars import SCALARS, number
from graphc.ir.autodiff import adjoint
from graphc.ir.build import apply, broadcast, cast, constant, elementwise, gather, iota, matmul, permute, reduce, reshape, scatter_add, select
from graphc.ir.evaluate import evaluate
from graphc.ir.fusion import fuse
from graphc.ir.graph import Graph, Node, parameter
from graphc.ir.primitives import PRIMITIVES, REDUCTIONS
from graphc.ir.types import BOOL, F32, F64, I32, I64, U8, DType, TensorType

Array = npt.NDArray[Any]
OPTIONS = ["--iree-input-demote-f64-to-f32=false", "--iree-llvmcpu-target-cpu=generic", "--iree-opt-level=O0"]


def p(shape: tuple[int, ...], dtype: DType = F32, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


# -- running on IREE ----------------------------------------------------------------------------------


def on_iree(graphs: Mapping[str, Graph]) -> Any:
    """Compile graphs with IREE; the functions are attributes of what is returned."""
    compiler, runtime = pytest.importorskip("iree.compiler"), pytest.importorskip("iree.runtime")
    binary = compiler.compile_str(modules(graphs), target_backends=["llvm-cpu"], extra_args=OPTIONS)
    config = runtime.Config("local-sync")
    return runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)


def compare(module: Any, name: str, graph: Graph, arrays: Sequence[Array], rtol: float, atol: float) -> None:
    """Assert that IREE and the evaluator agree, NaN with NaN, and integers exactly."""
    got = module[f"graphc_{name}"](*arrays)
    got = got if isinstance(got, tuple) else (got,)
    for i, (want, found) in enumerate(zip(evaluate(graph, arrays), (g.to_host() for g in got), strict=True)):
        where = f"{name}, result {i}: {graph.results[i]!r} of {graph.results[i].operands}"
        assert found.shape == want.shape, where
        assert found.dtype == want.dtype, where
        if want.dtype.kind == "f":
            np.testing.assert_allclose(found, want, rtol, atol, err_msg=where)
        else:
            np.testing.assert_array_equal(found, want, err_msg=where)
