"""The optimizer: the list of passes, in order, and the runner that verifies, times and dumps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphc.ir.analysis.views import Strides
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.decisions import undecided
from graphc.ir.core.graph import Graph, Node
from graphc.ir.fusion.fusion import fuse
from graphc.ir.fusion.scalarize import scalarize
from graphc.ir.loops.bufferize import bufferize
from graphc.ir.loops.hoist_matmuls import hoist_matmuls
from graphc.ir.loops.loop_passes import merge_and_prune_loops
from graphc.ir.loops.promote import promote_loops
from graphc.ir.loops.rematerialize import rematerialize
from graphc.ir.loops.unrolling import unroll_loops
from graphc.ir.rewrite.simplify import simplify
from graphc.ir.text import debug
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import verify

__all__ = ["FINAL", "PASSES", "Pass", "optimize"]

Layouts = Mapping[Node, Strides]


class Setting(NamedTuple):
    """Options of the passes."""

    layouts: Layouts
    target: TargetInfo


class Pass(NamedTuple):
    """A pass over a whole graph: the name of the stage it produces, and its function."""

    stage: str
    run: Callable[[Graph, Setting], Graph]


def _simplify(graph: Graph, setting: Setting) -> Graph:
    if not debug.enabled("rules"):
        return simplify(graph)
    return simplify(graph, lambda rule, before, after: debug.show("rules", f"graphc: {rule}: {before} -> {after}"))


def _components(graph: Graph, setting: Setting) -> Graph:
    after = scalarize(graph, setting.target)
    return graph if after is graph else _simplify(after, setting)


PASSES = (
    # before the bodies of a loop and of its copy with residuals are rewritten differently
    Pass("merged", lambda graph, setting: merge_and_prune_loops(undecided(graph))),
    # before simplify, which matches the items of stacked iterations with their slices
    Pass("unrolled", lambda graph, setting: unroll_loops(graph, setting.target)),
    # while a scan and its adjoint still consist of the same nodes
    Pass("rematerialized", lambda graph, setting: rematerialize(graph, setting.target)),
    # the products left in a loop then depend on the previous iteration
    Pass("hoisted", lambda graph, setting: hoist_matmuls(graph, setting.target)),
    # identities and movement first: what they remove need not be fused
    Pass("optimized", _simplify),
    # after simplify, which has moved broadcasts behind the work that does not need them
    Pass("scalarized", _components),
    # before fuse, which leaves the bodies of loops in registers alone
    Pass("promoted", lambda graph, setting: promote_loops(graph, setting.target)),
    # decides what is stored and what is recomputed where it is read
    Pass("fused", lambda graph, setting: fuse(graph, setting.target, dict(setting.layouts))),
    # last: a kernel that reads an array both before and after an update forbids updating in place
    Pass("bufferized", lambda graph, setting: bufferize(graph, setting.target)),
)

FINAL = PASSES[-1].stage
"""The stage that code is generated from."""


def optimize(graph: Graph, target: TargetInfo, layouts: Layouts | None = None, *, check: bool = True) -> dict[str, Graph]:
    """Run every pass; return the graph after each, under the name of its stage, `captured` first.

    `layouts` gives the strides, in elements, of parameters that are not row-major.  `check=False` skips the verifier, for
    a graph of a structure that was verified before.
    """
    stages, setting = {"captured": graph}, Setting(layouts or {}, target)
    if debug.enabled("passes"):
        debug.show("passes", f"# captured\n{to_text(graph)}")
    try:
        for stage, run in PASSES:
            with debug.timed(stage):
                after = run(graph, setting)
            if after is not graph and debug.enabled("passes"):
                debug.show("passes", f"# {stage}\n{to_text(after)}")
            stages[stage] = graph = after
        if check:
            verify(graph, stage, target)
    except Exception:
        if check:
            _verify_all(stages, target)
        raise
    return stages


def _verify_all(stages: Mapping[str, Graph], target: TargetInfo) -> None:
    """Raise VerificationError for the first stage that breaks an invariant: every later failure follows from it.

    Verifying only the last stage takes a third of the time, and finds all errors that reach code generation.
    """
    for stage, graph in stages.items():
        verify(graph, "capture" if stage == "captured" else stage, target if stage == FINAL else None)
