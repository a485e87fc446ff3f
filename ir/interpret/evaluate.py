"""Evaluate a graph on NumPy.

This is the reference for compiled code, and how an eager graph that is seen for the first time gets its values.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.ir.core.decisions import essential
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, toposort
from graphc.ir.core.types import TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Loop

__all__ = [
    "EVALUATORS", "Interpreter", "TakesTooLong", "evaluate", "evaluate_node", "evaluate_nodes", "interpreted", "iterations",
    "limited",
]  # fmt: skip

Interpreter = Callable[[Node, Mapping[Node, Any]], Any]
"""Computes the value of a node from those of the earlier nodes of its region."""


class TakesTooLong(Exception):
    """The time limit of an evaluation has passed."""


class _Current(threading.local):
    """Thread-local state: the interpreter of single nodes (None: the reference semantics) and the deadline."""

    interpreter: Interpreter | None = None
    deadline: float = float("inf")


_current = _Current()


@contextmanager
def interpreted(interpreter: Interpreter) -> Iterator[None]:
    """Let `interpreter` compute every node of the graphs evaluated in the block, nodes of regions included."""
    outer, _current.interpreter = _current.interpreter, interpreter
    try:
        yield
    finally:
        _current.interpreter = outer


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TakesTooLong at the next iteration of a loop once evaluation in the block has taken this many seconds."""
    outer, _current.deadline = _current.deadline, min(_current.deadline, time.monotonic() + seconds)
    try:
        yield
    finally:
        _current.deadline = outer


def evaluate(graph: Graph | Region, arrays: Sequence[Any]) -> list[Any]:
    """Return the arrays of the graph's results for arrays of its parameters.

    Raises ValueError if a shape or dtype is not that of the parameter.
    """
    known: dict[Node, Any] = {}
    for param, array in zip(graph.params, arrays, strict=True):
        array = np.asarray(array)
        if array.shape != param.shape or array.dtype != param.dtype.numpy:
            raise ValueError(f"parameter {param.name} is {param.type}, got {array.dtype}{list(array.shape)}")
        known[param] = array
    return _evaluate_in_order(graph.nodes(), graph.results, known)


def evaluate_nodes(roots: Sequence[Node], known: Mapping[Node, Any]) -> list[Any]:
    """Return the arrays of `roots`, given the arrays of the nodes in `known`.  Does not recurse."""
    return _evaluate_in_order(toposort(roots, lambda n: n in known), roots, dict(known))


def _evaluate_in_order(order: Sequence[Node], roots: Sequence[Node], values: dict[Node, Any]) -> list[Any]:
    run = _current.interpreter
    if _current.deadline < float("inf") and time.monotonic() > _current.deadline:
        raise TakesTooLong
    readers = _readers(order, roots, values)
    with np.errstate(all="ignore"):
        for node in order:
            if node in values:
                continue
            values[node] = run(node, values) if run else evaluate_node(node, [values[o] for o in node.operands])
            for operand in node.operands if run is None else ():  # an interpreter also reads what is below a view
                left = readers[operand] = readers[operand] - 1
                if not left:
                    del values[operand]  # its memory is free for what follows
    return [np.asarray(values[r]) for r in roots]


def _readers(order: Sequence[Node], roots: Sequence[Node], values: Mapping[Node, Any]) -> dict[Node, int]:
    """Count how often each node is read; roots and nodes with a value are read once more, so that they stay."""
    readers = dict.fromkeys(order, 0) | dict.fromkeys(values, 1)
    for node in order:
        if node not in values:
            for operand in node.operands:
                readers[operand] += 1
    for root in roots:
        readers[root] += 1
    return readers


def evaluate_node(node: Node, operands: list[Any]) -> Any:
    """Return the array of one node, a list of arrays if it has several results.

    Raises ValueError for a node without a value, and IndexError, with the user's line, for an index out of bounds.
    """
    if node.op.name in EVALUATORS:
        return EVALUATORS[node.op.name](node, operands)
    if node.op.reference is None:
        raise ValueError(f"{node.op.name} {node.name} has no value: it is not bound to an array")
    try:
        return np.asarray(node.op.reference(*operands, **essential(node)))
    except IndexError as error:
        raise type(error)(f"{error}\n  at {node.where}" if node.where else str(error)) from None


def _unwrapped(results: list[Any]) -> Any:
    """Unwrap the list of a single result."""
    return results if len(results) > 1 else results[0]


def _call(node: Node, operands: list[Any]) -> Any:
    call = Call.of(node)
    condition, arguments = call.split(operands)
    return _unwrapped(evaluate(call.arm(condition), arguments))


def _while(node: Node, operands: list[Any]) -> Any:
    loop = Loop.of(node)
    test, body = loop.regions
    carried, _, captures = loop.split(operands)
    _, types = loop.split_results(node.types)
    stacks: list[list[Any]] = [[] for _ in types]
    while evaluate(test, [*carried, *captures])[0]:
        carried, ys = loop.split_results(evaluate(body, [*carried, *captures]))
        for stack, y in zip(stacks, ys, strict=True):
            stack.append(y)
    return _unwrapped([*carried, *map(_stacked, stacks, types)])


def _stacked(items: list[Any], type: TensorType) -> Any:
    return np.stack(items) if items else np.empty((0, *type.shape[1:]), type.dtype.numpy)


def _scan(node: Node, operands: list[Any]) -> Any:
    loop = Loop.of(node)
    carried, xs, captures = loop.split(operands)
    length = iterations(loop, xs)
    stacks = [np.empty((length, *t.shape[1:]), t.dtype.numpy) for t in loop.split_results(node.types)[1]]
    for i in loop.indices(length):
        carried, ys = loop.split_results(evaluate(loop.body, [*carried, *(x[i] for x in xs), *captures]))
        for stack, y in zip(stacks, ys, strict=True):
            stack[i] = y
    return _unwrapped([*carried, *stacks])


def iterations(loop: Loop, xs: Sequence[Any]) -> int:
    """Return the number of iterations of a scan over these arrays.  Raises ValueError if it has no length and they disagree."""
    if loop.length is not None:
        return loop.length
    lengths = {len(x) for x in xs}
    if len(lengths) != 1:
        raise ValueError(f"scan runs over sequences of one length, got {', '.join(map(str, sorted(lengths)))}")
    return lengths.pop()


def _custom(node: Node, operands: list[Any]) -> Any:
    return _unwrapped(list(Custom.of(node).split(operands)[0]))


def _result(node: Node, operands: list[Any]) -> Any:
    return operands[0][node.params["index"]]


EVALUATORS: dict[str, Callable[[Node, list[Any]], Any]] = {
    "fusion": _call,
    "checkpoint": _call,
    "cond": _call,
    "while": _while,
    "scan": _scan,
    "custom": _custom,
    "result": _result,
}
"""How nodes with regions are evaluated; any other node has its primitive's semantics."""

assert PARAMETER.reference is None
