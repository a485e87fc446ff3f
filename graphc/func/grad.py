"""Gradients and vector-Jacobian products of functions, and calls of modules with other parameters, as torch.func has them.

Each transform level differentiates with respect to its own copies of the inputs (`alias` nodes), so that nested levels are
never confused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.autograd.backward import grad as autograd_grad
from graphc.autograd.engine import takes_gradient
from graphc.autograd.grad_mode import enable_grad
from graphc.batching.vmap import vmap
from graphc.core import pytree
from graphc.core.errors import located
from graphc.func.jacobian import hessian, jacfwd, jacrev, jvp, linearize
from graphc.func.sparse import Sparsity, hessian_sparsity, jacobian_sparsity, sparse_hessian, sparse_jacobian
from graphc.ir.core.build import zeros_like
from graphc.ir.core.graph import make
from graphc.ir.core.ops import PRIMITIVES
from graphc.tensors.context import state
from graphc.tensors.dispatch import from_array
from graphc.tensors.grad_fn import TransformInput, history
from graphc.tensors.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = [
    "Sparsity", "functional_call", "grad", "grad_and_value", "hessian", "hessian_sparsity", "jacfwd", "jacobian_sparsity",
    "jacrev", "jvp", "linearize", "sparse_hessian", "sparse_jacobian", "vjp", "vmap",
]  # fmt: skip

ArgNums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of `func` with respect to argument `argnums`.

    Args:
        func: function that returns a 0-d float tensor, or with `has_aux` a pair (that tensor, aux).
        argnums: number of the positional argument, or a tuple of numbers; negative numbers count from the last. These
            arguments are float tensors, or pytrees (nested tuples, lists and dicts) of them.
        has_aux: whether `func` also returns a second value, which is passed through.

    Returns:
        Function of the arguments of `func`. It returns the gradient, a pytree like the argument with the same shapes and
        dtypes (zeros where nothing depends on it), a tuple of gradients if `argnums` is a tuple, or (gradient, aux) with
        `has_aux`.

    Raises:
        RuntimeError: when called, if `func` returns anything but a 0-d tensor, or no pair with `has_aux`; if an argument in
            `argnums` is not of floats, or there is no such argument.
        ValueError: when called, if an argument in `argnums` contains anything but tensors and arrays.

    Example:
        >>> func.grad(lambda x: (x * x).sum())(graphc.tensor([1.0, 2.0]))
        tensor([2., 4.])
        >>> func.grad(func.grad(graphc.sin))(graphc.tensor(0.5))  # the second derivative is -sin
        tensor(-0.4794)
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    gradient.__name__ = f"grad_{getattr(func, '__name__', 'f')}"
    gradient.__wrapped__ = func  # type: ignore[attr-defined]
    return gradient


def grad_and_value(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of `func` and its value.

    Args:
        func: function that returns a 0-d float tensor, or with `has_aux` a pair (that tensor, aux).
        argnums: number of the positional argument, or a tuple of numbers, as in `grad`.
        has_aux: whether `func` also returns a second value, which is passed through.

    Returns:
        Function of the arguments of `func` that returns (gradient, value), or (gradient, (value, aux)) with `has_aux`.
        Gradients have the shapes and dtypes of the arguments.

    Raises:
        RuntimeError: when called, if `func` returns anything but a 0-d tensor, or no pair with `has_aux`; if an argument in
            `argnums` is not of floats, or there is no such argument.
        ValueError: when called, if an argument in `argnums` contains anything but tensors and arrays.

    Example:
        >>> func.grad_and_value(lambda x: (x * x).sum())(graphc.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """

    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        numbers = _numbers(argnums, len(args))
        leaves, tree = pytree.flatten(tuple(args[i] for i in numbers))
        with _level(leaves) as level:
            chosen = pytree.unflatten(level.inputs, tree)
            result = func(*_replaced(args, numbers, chosen), **kwargs)
            value, aux = _split_aux(result) if has_aux else (result, None)
            _check_scalar(value)
            found = level.gradients([value], None)
        parts = pytree.unflatten([level.outward(g) for g in found], tree)
        parts = parts[0] if isinstance(argnums, int) else parts
        outer = pytree.tree_map(level.outward, (value, aux))
        return parts, (outer if has_aux else outer[0])

    gradient_and_value.__name__ = f"grad_and_value_{getattr(func, '__name__', 'f')}"
    gradient_and_value.__wrapped__ = func  # type: ignore[attr-defined]
    return gradient_and_value


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return the outputs of `func(*primals)` and the function that multiplies cotangents with its Jacobian.

    Args:
        func: function of `primals` that returns a tensor or a pytree of tensors, or with `has_aux` a pair (outputs, aux).
        *primals: float tensors, or pytrees of them, at which the derivative is taken.
        has_aux: whether `func` also returns a second value, which is passed through.

    Returns:
        (outputs, vjp_fn), or (outputs, vjp_fn, aux) with `has_aux`. `vjp_fn(cotangents)` takes a pytree like the outputs and
        returns a tuple with the vector-Jacobian product for each primal, in its shape and dtype. It may be called repeatedly.

    Raises:
        RuntimeError: if a primal is not of floats, `func` returns anything but tensors, or no pair with `has_aux`; by
            `vjp_fn`, if the structure or the shapes of the cotangents are not those of the outputs.
        ValueError: if a primal contains anything but tensors and arrays.

    Example:
        >>> y, vjp_fn = func.vjp(lambda a, b: a * b, graphc.tensor([1.0, 2.0]), graphc.tensor([3.0, 4.0]))
        >>> y, vjp_fn(graphc.tensor([1.0, 10.0]))
        (tensor([3., 8.]), (tensor([ 3., 40.]), tensor([ 1., 20.])))
    """
    leaves, tree = pytree.flatten(primals)
    with _level(leaves) as level:
        result = func(*pytree.unflatten(level.inputs, tree))
        outputs, aux = _split_aux(result) if has_aux else (result, None)
    inner, shape = pytree.flatten(outputs)
    for output in inner:
        if not isinstance(output, Tensor):
            raise located(
                RuntimeError(
                    f"vjp(f, *primals): Expected f to be a function that has non-empty output, got {type(output).__name__}"
                )
            )

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        weights, given = pytree.flatten(cotangents)
        if given != shape:
            raise located(
                RuntimeError(
                    "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function."
                )
            )
        with level.open():
            found = level.gradients(inner, weights)
        return pytree.unflatten([level.outward(g) for g in found], tree)

    outward = pytree.tree_map(level.outward, outputs)
    return (outward, vjp_fn, pytree.tree_map(level.outward, aux)) if has_aux else (outward, vjp_fn)


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers.

    The module itself is the same as before afterwards, also when the call raises.

    Args:
        module: the `nn.Module` to call.
        parameter_and_buffer_dicts: dict from dotted names, as in `module.named_parameters()`, to tensors, or a sequence of
            such dicts. Parameters and buffers whose names are left out keep their tensors.
        args: positional argument of the call, or a tuple of them; none if it is None.
        kwargs: dict of keyword arguments of the call.
        tie_weights: whether a tensor that the module has under several names is replaced under all of them when one is given.
        strict: whether every parameter and buffer must be given.

    Returns:
        What the module returns.

    Raises:
        KeyError: if the module has no parameter or buffer of a given name.
        RuntimeError: if `strict` and a name is left out.

    Example:
        >>> linear = nn.Linear(2, 1)
        >>> weights = {"weight": graphc.tensor([[1.0, 2.0]]), "bias": graphc.tensor([0.5])}
        >>> func.functional_call(linear, weights, graphc.tensor([10.0, 20.0]))
        tensor([50.5000])
    """
    given = parameter_and_buffer_dicts
    tensors = dict(given) if isinstance(given, Mapping) else {k: v for part in given for k, v in part.items()}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    if strict and own.keys() - tensors.keys():
        raise located(RuntimeError(f"Missing key(s): {', '.join(sorted(own.keys() - tensors.keys()))}."))
    if tie_weights:
        tensors = {**_tied(module, tensors), **tensors}
    with _swapped(module, tensors):
        return module(*arguments, **(kwargs or {}))


def _tied(module: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the replacements of what the module has under other names too."""
    places = [
        (f"{prefix}.{name}" if prefix else name, tensor)
        for prefix, owner in module.named_modules(remove_duplicate=False)
        for table in (owner._parameters, owner._buffers)
        for name, tensor in table.items()
    ]
    given = {id(tensor): tensors[path] for path, tensor in places if path in tensors and tensor is not None}
    return {path: given[id(tensor)] for path, tensor in places if id(tensor) in given}


@contextmanager
def _swapped(module: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Put tensors in place of a module's own for a block."""
    kept: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for path, tensor in tensors.items():
            *owners, name = path.split(".")
            owner = module
            for part in owners:
                owner = getattr(owner, part)
            table = next((t for t in (owner._parameters, owner._buffers) if name in t), None)
            if table is None:
                raise KeyError(f"the module has no parameter or buffer called {path!r}")
            kept.append((table, name, table[name]))
            table[name] = tensor
        yield
    finally:
        for table, name, tensor in reversed(kept):
            table[name] = tensor


# -- levels ---------------------------------------------------------------------------------------------------


class _level:
    """One level of a transform: the inputs on nodes of their own, recorded within a `with` block."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self.inputs = [self._input(x) for x in leaves]
        self.steps = [x._storage.fn for x in self.inputs if isinstance(x, Tensor)]
        self.recording = state.grad
        self._mode = enable_grad()

    def _input(self, leaf: Any) -> Tensor:
        if not isinstance(leaf, Tensor):
            leaf = Tensor._of(Storage(from_array(_checked_array(leaf))))
        if not leaf._type.dtype.is_float:
            raise located(RuntimeError("only Tensors of floating point dtype can require gradients"))
        source = leaf._node()
        source = stopped(source) if leaf.requires_grad and not state.grad else source
        node = make(PRIMITIVES["alias"], (source,), unique=True, like=source)
        return Tensor._of(Storage(node, True, TransformInput(node, (leaf._edge(),)), leaf._storage.pending))

    def open(self) -> _level:
        """Return the level, to be entered again."""
        return self

    def __enter__(self) -> _level:
        self._set_active(True)
        self._mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._mode.__exit__(*error)
        self._set_active(False)

    def _set_active(self, active: bool) -> None:
        for step in self.steps:
            assert isinstance(step, TransformInput)
            step.active = active

    def gradients(self, outputs: Sequence[Any], weights: Sequence[Any] | None) -> list[Tensor]:
        """Return the gradients by the inputs; zeros where nothing depends on them."""
        pairs = [(o, None if weights is None else weights[i]) for i, o in enumerate(outputs) if o.requires_grad]
        if not pairs:
            return [_zeros(x) for x in self.inputs]
        given = None if weights is None else [w for _, w in pairs]
        found = autograd_grad([o for o, _ in pairs], self.inputs, given, create_graph=True, allow_unused=True)
        return [_zeros(x) if g is None else g for x, g in zip(self.inputs, found, strict=True)]

    def outward(self, x: Any) -> Any:
        """Return a result without the history of this level, but with what leads further out."""
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        open_ends = any(map(takes_gradient, history([x._edge()])))
        if open_ends and self.recording:
            return x
        node = x._node()
        return Tensor._of(Storage(stopped(node) if open_ends else node, pending=x._storage.pending))


def _zeros(x: Tensor) -> Tensor:
    return Tensor._of(Storage(zeros_like(x._node())))


def _checked_array(leaf: Any) -> Any:
    if not hasattr(leaf, "dtype"):
        raise located(ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}"))
    return leaf


def _numbers(argnums: ArgNums, count: int) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -count <= i < count:
            raise located(RuntimeError(f"Got argnum={i}, but only {count} positional inputs"))
    return tuple(i % count for i in numbers)


def _replaced(args: tuple[Any, ...], numbers: tuple[int, ...], chosen: Sequence[Any]) -> list[Any]:
    result = list(args)
    for i, x in zip(numbers, chosen, strict=True):
        result[i] = x
    return result


def _split_aux(result: Any) -> tuple[Any, Any]:
    if not (isinstance(result, tuple) and len(result) == 2):
        raise located(
            RuntimeError("grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True")
        )
    return result


def _check_scalar(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise located(RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(value)}"))
    if value.dim() != 0:
        raise located(
            RuntimeError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {value.dim()} dims. "
                "Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        )
