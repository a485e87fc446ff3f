"""Gradients and vector-Jacobian products of functions, as torch.func has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.autograd.backward import grad as autograd_grad
from graphc.core import pytree
from graphc.core.errors import located
from graphc.func.level import ArgNums, Level, positions, replaced
from graphc.ir.core.build import zeros_like
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["grad", "grad_and_value", "vjp"]


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
        grads, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

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
        numbers = positions(argnums, len(args))
        leaves, tree = pytree.flatten(tuple(args[i] for i in numbers))
        with Level(leaves) as level:
            chosen = pytree.unflatten(level.inputs, tree)
            result = func(*replaced(args, numbers, chosen), **kwargs)
            value, aux = _split_aux(result) if has_aux else (result, None)
            _check_scalar(value)
            grads = _gradients(level, [value], None)
        parts = pytree.unflatten([level.outward(g) for g in grads], tree)
        parts = parts[0] if isinstance(argnums, int) else parts
        outer = level.outward((value, aux))
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
    with Level(leaves) as level:
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
        cotangent_leaves, structure = pytree.flatten(cotangents)
        if structure != shape:
            raise located(
                RuntimeError(
                    "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function."
                )
            )
        with level:
            grads = _gradients(level, inner, cotangent_leaves)
        return pytree.unflatten([level.outward(g) for g in grads], tree)

    outward = level.outward(outputs)
    return (outward, vjp_fn, level.outward(aux)) if has_aux else (outward, vjp_fn)


def _gradients(level: Level, outputs: Sequence[Any], cotangents: Sequence[Any] | None) -> list[Tensor]:
    """Return the gradients with respect to the inputs of a level; zeros where nothing depends on them."""
    pairs = [(o, None if cotangents is None else cotangents[i]) for i, o in enumerate(outputs) if o.requires_grad]
    if not pairs:
        return [_zeros(x) for x in level.inputs]
    chosen = None if cotangents is None else [w for _, w in pairs]
    grads = autograd_grad([o for o, _ in pairs], level.inputs, chosen, create_graph=True, allow_unused=True)
    return [_zeros(x) if g is None else g for x, g in zip(level.inputs, grads, strict=True)]


def _zeros(x: Tensor) -> Tensor:
    return Tensor._of(Storage(zeros_like(x._node())))


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
