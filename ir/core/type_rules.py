"""The type rules of the primitives: from operands and parameters to result types, or a TypeRuleError."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphc.ir.core.graph import Node, Region, TypeRuleError, UndefinedDTypeError
from graphc.ir.core.guards import Symbol
from graphc.ir.core.signatures import Layout, Operands, Params, Regions, Rule, Types
from graphc.ir.core.types import BOOL, GROWING, I32, I64, DType, TensorType

__all__ = [
    "arg_reduction", "argsort", "broadcast", "call", "cast", "concatenate", "cond", "constant", "cumsum", "custom",
    "elementwise", "flip", "gather", "iota", "matmul", "pad", "permute", "random_bits", "reduction", "reshape", "result",
    "scan", "scatter", "scatter_add", "select", "slice_", "while_",
]  # fmt: skip


def _require(holds: bool, rule: str, *got: object) -> None:
    if not holds:
        raise TypeRuleError(f"{rule}, got {', '.join(map(str, got))}")


def elementwise(name: str, kinds: tuple[str, ...], result: DType | None = None) -> Rule:
    """Return the rule for operands of one type whose dtype is of one of the kinds; the result has that dtype, or `result`."""

    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        first = operands[0].types[0]
        for other in operands[1:]:
            if other.types[0] is not first and other.types[0] != first:
                raise TypeRuleError(f"{name} needs operands of one type, got {', '.join(str(o.type) for o in operands)}")
        if first.dtype.kind not in kinds:
            raise UndefinedDTypeError(f"{name} is defined for {' and '.join(kinds)}", first)
        return operands[0].types if result is None else (first.with_dtype(result),)

    return infer


def select(operands: Operands, params: Params, regions: Regions) -> Types:
    """A bool condition and two operands of one type."""
    cond, x, y = (o.type for o in operands)
    _require(cond == x.with_dtype(BOOL) and x == y, "select needs a bool condition and two operands of its shape", cond, x, y)
    return (x,)


def cast(operands: Operands, params: Params, regions: Regions) -> Types:
    """Any operand; the shape stays."""
    return (operands[0].type.with_dtype(params["dtype"]),)


def constant(operands: Operands, params: Params, regions: Regions) -> Types:
    """No operand; a number of the dtype."""
    dtype, value = params["dtype"], params["value"]
    number = value.value if type(value) is Symbol else value
    _require(type(number) is NUMBERS[dtype.kind], f"a constant of dtype {dtype} is a number of it", repr(value))
    return _leaf(params)


NUMBERS: dict[str, type] = {"float": float, "int": int, "bool": bool}


def _leaf(params: Params) -> Types:
    _require(all(n >= 0 for n in params["shape"]), "a shape has no negative extent", params["shape"])
    return (TensorType(params["dtype"], params["shape"]),)


def iota(operands: Operands, params: Params, regions: Regions) -> Types:
    """An axis of the shape."""
    _require(0 <= params["axis"] < len(params["shape"]), "iota needs an axis of its shape", params["axis"], params["shape"])
    return _leaf(params)


def random_bits(operands: Operands, params: Params, regions: Regions) -> Types:
    """A key of two i64; the shape is a parameter."""
    _require(operands[0].type == TensorType(I64, (2,)), "random_bits takes one key, i64[2]", operands[0].type)
    return (TensorType(I32, params["shape"]),)


def reshape(operands: Operands, params: Params, regions: Regions) -> Types:
    """As many elements as before."""
    (x,) = operands
    _require(all(n >= 0 for n in params["shape"]), "a shape has no negative extent", params["shape"])
    _require(prod(params["shape"]) == x.type.size, "reshape keeps the number of elements", x.type, params["shape"])
    return (x.type.with_shape(params["shape"]),)


def permute(operands: Operands, params: Params, regions: Regions) -> Types:
    """Every axis once."""
    (x,) = operands
    _require(sorted(params["axes"]) == list(range(x.type.rank)), "permute needs each axis once", params["axes"], x.type)
    return (x.type.with_shape(tuple(x.shape[a] for a in params["axes"])),)


def broadcast(operands: Operands, params: Params, regions: Regions) -> Types:
    """Operand axes keep their order and extent."""
    (x,) = operands
    shape, axes = params["shape"], params["axes"]
    fits = len(axes) == x.type.rank and all(0 <= a < len(shape) for a in axes) and list(axes) == sorted(set(axes))
    _require(
        fits and all(shape[a] == n for a, n in zip(axes, x.shape, strict=True)),
        "broadcast puts each operand axis at an equal axis of the result",
        x.type,
        shape,
        axes,
    )
    return (x.type.with_shape(shape),)


def slice_(operands: Operands, params: Params, regions: Regions) -> Types:
    """Within the operand."""
    (x,) = operands
    start, stop, step = params["start"], params["stop"], params["step"]
    _require(len(start) == len(stop) == len(step) == x.type.rank, "slice needs start, stop and step for each axis", x.type)
    for a, n in enumerate(x.shape):
        _require(0 <= start[a] <= stop[a] <= n and step[a] >= 1, "slice stays within its operand", x.type, start, stop, step)
    return (x.type.with_shape(tuple(-(-(e - s) // p) for s, e, p in zip(start, stop, step, strict=True))),)


def pad(operands: Operands, params: Params, regions: Regions) -> Types:
    """A 0-d fill; widths are not negative."""
    x, fill = operands
    low, high, interior = params["low"], params["high"], params["interior"]
    _require(len(low) == len(high) == len(interior) == x.type.rank, "pad needs low, high and interior for each axis", x.type)
    _require(fill.type == TensorType(x.dtype), "pad needs a 0-d fill of its operand's dtype", x.type, fill.type)
    _require(all(n >= 0 for n in (*low, *high, *interior)), "pad is not negative", low, high, interior)
    return (
        x.type.with_shape(
            tuple(lo + max(0, n + (n - 1) * i) + hi for n, lo, hi, i in zip(x.shape, low, high, interior, strict=True))
        ),
    )


def flip(operands: Operands, params: Params, regions: Regions) -> Types:
    """Axes of the operand."""
    (x,) = operands
    axes = params["axes"]
    _require(len(set(axes)) == len(axes) and all(a < x.type.rank for a in axes), "flip needs axes of its operand", axes, x.type)
    return (x.type,)


def concatenate(operands: Operands, params: Params, regions: Regions) -> Types:
    """Operands with equal extents except along one axis."""
    axis, first = params["axis"], operands[0].type
    _require(0 <= axis < first.rank, "concatenate needs an axis of its operands", axis, first)
    before, after = first.shape[:axis], first.shape[axis + 1 :]
    alike = all(o.dtype is first.dtype and o.shape[:axis] == before and o.shape[axis + 1 :] == after for o in operands)
    if not alike:
        _require(False, f"concatenate needs operands that agree but along axis {axis}", *(o.type for o in operands))
    return (first.with_shape((*before, sum(o.shape[axis] for o in operands), *after)),)


def reduction(name: str, kinds: tuple[str, ...], *, needs_elements: bool) -> Rule:
    """Return the rule of a reduction over ascending axes."""

    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        (x,) = operands
        axes = params["axes"]
        inside = list(axes) == sorted(set(axes)) and all(0 <= a < x.type.rank for a in axes)
        if x.dtype.kind not in kinds:
            raise UndefinedDTypeError(f"{name} is defined for {' and '.join(kinds)}", x.type)
        _require(inside, f"{name} needs ascending axes of its operand", axes, x.type)
        _require(
            not needs_elements or all(x.shape[a] for a in axes), f"{name} of no elements is not defined", x.type, axes
        )
        return (x.type.with_shape(tuple(n for a, n in enumerate(x.shape) if a not in axes)),)

    return infer


def arg_reduction(operands: Operands, params: Params, regions: Regions) -> Types:
    """A non-empty axis; the index is an i64."""
    (x,) = operands
    axis = params["axis"]
    _require(0 <= axis < x.type.rank and x.shape[axis] > 0, "argmax and argmin need a non-empty axis", axis, x.type)
    return (TensorType(I64, x.shape[:axis] + x.shape[axis + 1 :]),)


def argsort(operands: Operands, params: Params, regions: Regions) -> Types:
    """An axis of an extent that fits into 32 bits; the indices are i64."""
    (x,) = operands
    axis = params["axis"]
    _require(0 <= axis < x.type.rank, "argsort needs an axis of its operand", axis, x.type)
    _require(x.shape[axis] <= 1 << 32, "argsort sorts up to 2**32 elements", x.type)
    return (TensorType(I64, x.shape),)


def cumsum(operands: Operands, params: Params, regions: Regions) -> Types:
    """An axis of a float or int operand."""
    (x,) = operands
    _require(
        not x.dtype.is_bool and 0 <= params["axis"] < x.type.rank,
        "cumsum needs an axis of a float or int operand",
        params["axis"],
        x.type,
    )
    return (x.type,)


def _check_indices(rule: str, x: Node, indices: Operands) -> None:
    _require(1 <= len(indices) <= x.type.rank, f"{rule} takes from one index up to one for each axis", x.type, len(indices))
    _require(
        all(i.dtype is I64 and i.shape == indices[0].shape for i in indices),
        f"{rule} needs i64 indices of one shape",
        *(i.type for i in indices),
    )


def gather(operands: Operands, params: Params, regions: Regions) -> Types:
    """Indices of one shape for the leading axes; `check`, if given, is the error text for an index out of range."""
    x, *rest = operands
    indices = tuple(rest)
    _check_indices("gather", x, indices)
    return (x.type.with_shape(indices[0].shape + x.shape[len(indices) :]),)


def scatter(operands: Operands, params: Params, regions: Regions) -> Types:
    """Updates of the type that gather would return."""
    x, updates, *rest = operands
    indices = tuple(rest)
    _check_indices("scatter", x, indices)
    want = x.type.with_shape(indices[0].shape + x.shape[len(indices) :])
    _require(updates.type == want, "scatter needs updates of the gathered type", updates.type, want)
    return (x.type,)


def scatter_add(operands: Operands, params: Params, regions: Regions) -> Types:
    """As scatter, of numbers."""
    _require(not operands[0].type.dtype.is_bool, "scatter_add adds numbers", operands[0].type)
    return scatter(operands, params, regions)


def matmul(operands: Operands, params: Params, regions: Regions) -> Types:
    """[…,m,k] and […,k,n] with equal leading axes."""
    a, b = (o.type for o in operands)
    fits = a.dtype is b.dtype and a.rank == b.rank >= 2 and a.shape[:-2] == b.shape[:-2] and a.shape[-1] == b.shape[-2]
    _require(fits and not a.dtype.is_bool, "matmul needs [...,m,k] and [...,k,n] of one dtype with equal leading axes", a, b)
    return (a.with_shape((*a.shape[:-1], b.shape[-1])),)


def call(name: str) -> Rule:
    """Return the rule of a node that applies its region: operands as the region's parameters, results as its results."""

    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        (body,) = regions
        fits = [o.type for o in operands] == [p.type for p in body.params]
        _require(fits, f"{name} binds each operand to a parameter of its type")
        return tuple(r.type for r in body.results)

    return infer


def _check_binding(name: str, region: Region, operand_types: list[TensorType], results: list[TensorType] | None) -> None:
    _require_types(f"{name} calls its region with", operand_types, [p.type for p in region.params])
    if results is not None:
        _require_types(f"{name} wants of its region", results, [r.type for r in region.results])


def _require_types(rule: str, wanted: Sequence[TensorType], got: Sequence[TensorType]) -> None:
    if list(got) != list(wanted):
        raise TypeRuleError(f"{rule} {', '.join(map(str, wanted))}, got {', '.join(map(str, got))}")


def cond(operands: Operands, params: Params, regions: Regions) -> Types:
    """A 0-d bool, then the operands of both regions, which return the same types."""
    _require(operands[0].type == TensorType(BOOL), "cond takes a 0-d bool first", operands[0].type)
    yes, no = regions
    operand_types, results = [o.type for o in operands[1:]], [r.type for r in yes.results]
    _check_binding("cond", yes, operand_types, None)
    _check_binding("cond", no, operand_types, results)
    return tuple(results)


def while_(operands: Operands, params: Params, regions: Regions) -> Types:
    """Carries, then captures: a condition that returns a 0-d bool, and a body that returns the types of the carries, then ys.

    The ys of all iterations are stacked; their number is known only at the end.
    """
    test, body = regions
    types, layout = [o.type for o in operands], Layout.of(params)
    _require(layout.carries <= len(types), "while carries operands", layout.carries, len(types))
    carries, _, _ = layout.split(types)
    _check_binding("while", test, types, [TensorType(BOOL)])
    _check_binding("while", body, types, None)
    nexts, ys = layout.split_results([r.type for r in body.results])
    _require_types("while wants carried on by its body", carries, nexts)
    return (*carries, *(t.with_shape((GROWING, *t.shape)) for t in ys))


def scan(operands: Operands, params: Params, regions: Regions) -> Types:
    """Carries, xs along their first axis, captures; the body returns the types of the carries, then ys.

    Without a length it runs over growing xs, which must all come from loops with the same number of iterations.
    """
    (body,) = regions
    types, length, layout = [o.type for o in operands], params["length"], Layout.of(params)
    n, m = layout
    _require(n + m <= len(types), "scan carries and runs over operands", n, m, len(types))
    _require(length is not None or m > 0, "scan without a length runs over sequences that grow", *types)
    extent = GROWING if length is None else length
    carries, xs, captures = layout.split(types)
    for t in xs:
        wanted = "that grow" if length is None else "of as many items as it has iterations"
        _require(t.rank >= 1 and t.shape[0] == extent, f"scan runs over sequences {wanted}", length, t)
    for t in (*carries, *captures):
        _require(not t.grows, "scan carries and reads values of fixed extents", t)
    _check_binding("scan", body, [*carries, *(t.with_shape(t.shape[1:]) for t in xs), *captures], None)
    nexts, ys = layout.split_results([r.type for r in body.results])
    _require_types("scan wants carried on by its body", carries, nexts)
    return (*carries, *(t.with_shape((extent, *t.shape)) for t in ys))


def custom(operands: Operands, params: Params, regions: Regions) -> Types:
    """Values, which are the results; inputs; captures, which every region takes as its last parameters."""
    k, n, wrt, varying = (params[key] for key in ("values", "inputs", "wrt", "varying"))
    types = [o.type for o in operands]
    _require(k + n <= len(types), "custom has values and inputs among its operands", k, n, len(types))
    _require(len(params["refusals"]) == 2, "custom has two refusals", params["refusals"])
    _require(all(i < n for i in wrt) and all(i < k for i in varying), "custom has rules for inputs and values", wrt, varying)
    values, inputs, captures = types[:k], types[k : k + n], types[k + n :]
    wanted = len(params["levels"]) + bool(wrt) + bool(varying)
    _require(len(regions) == wanted, "custom has a region for each rule", len(regions), wanted)
    rest = list(regions)
    if wrt:
        _check_binding("custom", rest.pop(0), [*values, *values, *captures], [inputs[i] for i in wrt])
    if varying:
        _check_binding("custom", rest.pop(0), [*inputs, *values, *captures], [values[i] for i in varying])
    for region in rest:
        _require_types("custom calls its region with", captures, [p.type for p in region.params[n:]])
        _require_types("custom wants batches of", values, [r.type.with_shape(r.shape[1:]) for r in region.results])
    return tuple(values)


def result(operands: Operands, params: Params, regions: Regions) -> Types:
    """An index into the operand's results."""
    (x,) = operands
    _require(len(x.types) > 1, "result takes an operand of several results", len(x.types))
    _require(
        0 <= params["index"] < len(x.types), "result needs an index into its operand's results", params["index"], len(x.types)
    )
    return (x.types[params["index"]],)
