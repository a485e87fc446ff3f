"""Products with Jacobians and Hessians, and these matrices themselves, as in torch.autograd.functional."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.autograd.backward import grad
from graphc.autograd.grad_mode import enable_grad, set_grad_enabled
from graphc.core.errors import guard_all as _guard_all
from graphc.core.errors import located
from graphc.ops.create.fill import zeros_like
from graphc.ops.shape.joining import stack
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Any, ...]


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs of a function, and the product of a vector with its Jacobian.

    Args:
        func: function of tensors that returns a tensor or a tuple of tensors.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        v: tensor, or tuple of tensors, of the outputs' shapes; may be None for one output of one element.
        create_graph: whether the results are recorded, with respect to inputs.
        strict: whether to raise where an output does not depend on an input, instead of returning zeros.

    Returns:
        The pair of func(*inputs) and the product, of the shapes of inputs.

    Raises:
        TypeError: if inputs, outputs or v are no tensors.
        RuntimeError: if v does not fit, or strict and an output does not depend on an input.

    Example:
        >>> from graphc.autograd.functional import vjp
        >>> vjp(lambda x: x**2, graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 10.0]))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    several, originals = _tuple_of(inputs, "inputs", "vjp")
    with enable_grad():
        xs = _fresh(originals, create_graph)
        many, outputs = _outputs(func, xs, "vjp", strict)
        vs = _vector(v, outputs, many, "vjp", "user-provided function returns a single Tensor with a single element.")
    with set_grad_enabled(create_graph or state.grad):
        product = _filled(_grads(outputs, xs, vs, create_graph), xs, strict)
    return _result(outputs, many, create_graph), _result(product, several, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs of a function, and the product of its Jacobian with a vector.

    Differentiates the backward pass, which is linear in its gradient, once more.

    Args:
        func: function of tensors that returns a tensor or a tuple of tensors.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        v: tensor, or tuple of tensors, of the shapes of inputs; may be None for one input of one element.
        create_graph: whether the results are recorded, with respect to inputs.
        strict: whether to raise where an output does not depend on an input, instead of returning zeros.

    Returns:
        The pair of func(*inputs) and the product, of the shapes of the outputs.

    Raises:
        TypeError: if inputs, outputs or v are no tensors.
        RuntimeError: if v does not fit, or strict and an output does not depend on an input.

    Example:
        >>> from graphc.autograd.functional import jvp
        >>> jvp(lambda x: x.sum() ** 2, graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 0.0]))
        (tensor(9.), tensor(6.))
    """
    _, originals = _tuple_of(inputs, "inputs", "jvp")
    with enable_grad():
        xs = _fresh(originals, create_graph)
        vs = _vector(v, xs, isinstance(inputs, tuple), "jvp", _SINGLE_INPUT)
        many, outputs = _outputs(func, xs, "jvp", strict)
        probes = tuple(zeros_like(y).requires_grad_() for y in outputs)
        backward = _grads(outputs, xs, probes, True)
        _expect_history(backward, strict, "The gradient with respect to input {} is independent of the inputs of the function.")
        product = _filled(_grads(backward, probes, vs, create_graph), outputs, strict)
    return _result(outputs, many, create_graph), _result(product, many, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of a function.

    Args:
        func: function of tensors that returns a tensor or a tuple of tensors.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        create_graph: whether the result is recorded, with respect to inputs.
        strict: whether to raise where an output does not depend on an input, instead of returning zeros.
        vectorize: accepted as in torch; the result is the same.
        strategy: "reverse-mode" or "forward-mode"; the result is the same.

    Returns:
        Tensor of the output's shape followed by that of the input; for a tuple of outputs, of inputs, or both, a tuple, nested
        in that order.

    Raises:
        ValueError: if strategy is another word.
        NotImplementedError: for create_graph with the forward mode.
        RuntimeError: if strict and an output does not depend on an input, or strict is asked for with vectorize.

    Example:
        >>> from graphc.autograd.functional import jacobian
        >>> jacobian(lambda x: x**2, graphc.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise located(ValueError(f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}'))
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError('`create_graph=True` and `strategy="forward-mode"` are not supported together')
    if strict and vectorize:
        raise located(RuntimeError("`strict=True` and `vectorized=True` are not supported together."))
    several, originals = _tuple_of(inputs, "inputs", "jacobian")
    with enable_grad():
        xs = _fresh(originals, create_graph)
        many, outputs = _outputs(func, xs, "jacobian", strict)
        rows = tuple(_rows(y, xs, create_graph, strict) for y in outputs)
    rows = tuple(_result(row, several, create_graph) for row in rows)
    return rows if many else rows[0]


def _rows(y: Any, xs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """Return the derivatives of all elements of a tensor."""
    flat = y.reshape(-1)
    rows = []
    for i in range(int(flat.shape[0])):
        gradients = _grads((flat[i],), xs, None, create_graph, retain_graph=True)
        rows.append(_filled(gradients, xs, strict))
    shape = tuple(y.shape)
    if not rows:
        return tuple(x.new_zeros((*shape, *x.shape)) for x in xs)
    return tuple(stack([row[k] for row in rows]).reshape((*shape, *x.shape)) for k, x in enumerate(xs))


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of a function with one element.

    Args:
        func: function of tensors that returns a tensor of one element.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        create_graph: whether the result is recorded, with respect to inputs.
        strict: whether to raise where a derivative does not depend on an input, instead of returning zeros.
        vectorize: accepted as in torch; the result is the same.
        outer_jacobian_strategy: "reverse-mode" or "forward-mode"; the result is the same.

    Returns:
        Tensor of the input's shape twice; for a tuple of inputs, a tuple of tuples.

    Raises:
        RuntimeError: if func does not return a tensor of one element.

    Example:
        >>> from graphc.autograd.functional import hessian
        >>> hessian(lambda x: (x**3).sum(), graphc.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    several, originals = _tuple_of(inputs, "inputs", "hessian")

    def first(*xs: Any) -> Tensors:
        return jacobian(lambda *a: _single(func(*a), "hessian").squeeze(), xs, create_graph=True, strict=strict)  # type: ignore[no-any-return]

    rows = jacobian(first, originals, create_graph, strict, vectorize, outer_jacobian_strategy)
    return rows if several else rows[0][0]


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the value of a function with one element, and the product of a vector with its Hessian.

    Args:
        func: function of tensors that returns a tensor of one element.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        v: tensor, or tuple of tensors, of the shapes of inputs; may be None for one input of one element.
        create_graph: whether the results are recorded, with respect to inputs.
        strict: whether to raise where a derivative does not depend on an input, instead of returning zeros.

    Returns:
        The pair of func(*inputs) and the product, of the shapes of inputs.

    Raises:
        RuntimeError: if v does not fit, or func does not return a tensor of one element.

    Example:
        >>> from graphc.autograd.functional import vhp
        >>> vhp(lambda x: (x**3).sum(), graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 1.0]))
        (tensor(9.), tensor([ 6., 12.]))
    """
    several, originals = _tuple_of(inputs, "inputs", "vhp")
    with enable_grad():
        xs = _fresh(originals, create_graph)
        vs = _vector(v, xs, several, "vhp", _SINGLE_INPUT)
        _, (y,) = _outputs(lambda *a: _single(func(*a), "vhp"), xs, "vhp", strict)
        first = _grads((y,), xs, None, True)
        _expect_history(first, strict, "The jacobian with respect to input {} is independent of the inputs.")
        product = _filled(_grads(first, xs, vs, create_graph), xs, strict)
    return _result((y,), False, create_graph), _result(product, several, create_graph)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the value of a function with one element, and the product of its Hessian with a vector.

    Args:
        func: function of tensors that returns a tensor of one element.
        inputs: its argument, a tensor or a tuple of tensors of any shapes.
        v: tensor, or tuple of tensors, of the shapes of inputs; may be None for one input of one element.
        create_graph: whether the results are recorded, with respect to inputs.
        strict: whether to raise where a derivative does not depend on an input, instead of returning zeros.

    Returns:
        The pair of func(*inputs) and the product, of the shapes of inputs.

    Raises:
        RuntimeError: if v does not fit, or func does not return a tensor of one element.

    Example:
        >>> from graphc.autograd.functional import hvp
        >>> hvp(lambda x: (x**3).sum(), graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 1.0]))
        (tensor(9.), tensor([ 6., 12.]))
    """
    return vhp(func, inputs, v, create_graph, strict)  # a Hessian is symmetric


_SINGLE_INPUT = "input to the user-provided function is a single Tensor with a single element."


def _tuple_of(value: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """Return whether a value is a tuple, and the tuple of its tensors.  Raises TypeError."""
    items = value if isinstance(value, tuple) else (value,)
    for item in items:
        if not isinstance(item, Tensor):
            rule = f"The {what} given to {name} must be either a Tensor or a tuple of Tensors"
            raise located(TypeError(f"{rule} but got a value of type {type(item)}."))
    return isinstance(value, tuple), items


def _fresh(inputs: Tensors, create_graph: bool) -> Tensors:
    """Return new tensors that require gradients, with the history of the old ones if a graph is to be created."""
    return tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs)


def _outputs(func: Callable[..., Any], xs: Tensors, name: str, strict: bool) -> tuple[bool, Tensors]:
    many, outputs = _tuple_of(func(*xs), "outputs of the user-provided function", name)
    _expect_history(outputs, strict, "Output {} of the user-provided function does not require gradients.")
    return many, outputs


def _expect_history(tensors: Tensors, strict: bool, rule: str) -> None:
    """Raise RuntimeError if strict and a tensor depends on nothing."""
    for i, tensor in enumerate(tensors if strict else ()):
        if tensor is None or not tensor.requires_grad:
            raise located(RuntimeError(f"{rule.format(i)} This is not allowed in strict mode."))


def _vector(v: Any, like: Tensors, several: bool, name: str, rule: str) -> Tensors | None:
    """Return the tensors of a vector, without a history, or None for a single element.  Raises RuntimeError."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise located(RuntimeError(f"The vector v can only be None if the {rule}"))
        return None
    _, vs = _tuple_of(v, "v", name)
    if len(vs) != len(like):
        text = f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}."
        raise located(RuntimeError(text if several else "The given v should contain a single Tensor."))
    for i, (part, other) in enumerate(zip(vs, like, strict=True)):
        if tuple(part.shape) != tuple(other.shape):
            entry = f"Entry {i} in " if several else ""
            raise located(RuntimeError(f"{entry}v has invalid size: should be {other.shape} but got {part.shape}."))
    return vs


def _grads(
    outputs: Sequence[Any], inputs: Tensors, vs: Tensors | None, create_graph: bool, retain_graph: bool | None = None
) -> Tensors:
    """Return the gradients, None where an input is not used."""
    pairs = [(y, None if vs is None else vs[i]) for i, y in enumerate(outputs) if y is not None and y.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    cotangents = None if vs is None else [v for _, v in pairs]
    return tuple(grad([y for y, _ in pairs], inputs, cotangents, retain_graph, create_graph, allow_unused=True))


def _filled(gradients: Tensors, like: Tensors, strict: bool) -> Tensors:
    """Return gradients with zeros for those that are missing.  Raises RuntimeError if strict."""
    for i, gradient in enumerate(gradients):
        if strict and gradient is None:
            text = f"The output of the user-provided function is independent of input {i}."
            raise located(RuntimeError(f"{text} This is not allowed in strict mode."))
    return tuple(zeros_like(x) if g is None else g for g, x in zip(gradients, like, strict=True))


def _single(output: Any, name: str) -> Any:
    """Return a tensor of one element.  Raises RuntimeError."""
    if not isinstance(output, Tensor):
        raise located(RuntimeError(f"The function given to {name} should return a single Tensor"))
    if output.numel() != 1:
        raise located(RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element"))
    return output


def _result(tensors: Tensors, several: bool, create_graph: bool) -> Any:
    results = tensors if create_graph else tuple(t.detach() for t in tensors)
    return results if several else results[0]


_guard_all(globals(), __all__)
