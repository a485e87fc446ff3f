"""Custom operations with a hand-written derivative, as in torch.autograd.Function.

Forward runs without recording; its outputs are distinct nodes, and a grad_fn in their history calls backward, or in forward
mode jvp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.autograd.function_context import FunctionCtx
from graphc.autograd.function_rules import in_place_of, kind_of, recorded_output, run_backward, run_jvp
from graphc.autograd.grad_mode import no_grad
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.regions.substitution import RefusedError
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["Call", "Function", "once_differentiable"]

class Call:
    """A call of a custom function: its arguments, and the context that forward fills."""

    def __init__(self, function: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.tensors = [a for a in args if isinstance(a, Tensor)]
        self.ctx = FunctionCtx()
        self.ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        self.ctx._inputs = [x._node() for x in self.tensors]
        self.recording = state.grad and any(self.ctx.needs_input_grad)

    def run(self) -> Any:
        """Return the results of forward, without a history."""
        function, ctx = self.function, self.ctx
        with no_grad():
            if function.setup_context is Function.setup_context:
                return function.forward(ctx, *self.args, **self.kwargs)
            output = function.forward(*self.args, **self.kwargs)
            function.setup_context(ctx, self.args, output)
            return output

    def set_up(self, result: Any) -> None:
        """Fill the context for results that a batching rule returned in place of forward."""
        with no_grad():
            self.function.setup_context(self.ctx, self.args, result)


class Function:
    """Base class of operations with a hand-written derivative, called by `apply`.

    A subclass defines static methods: `forward(ctx, *args)` and `backward(ctx, *grad_outputs)`; or `forward(*args)`,
    `setup_context(ctx, inputs, output)` and `backward`. Optionally `jvp(ctx, *grad_inputs)` for forward mode, without which
    `backward` is transposed, and `vmap(info, in_dims, *args)`, or `generate_vmap_rule = True` to batch the operations in
    forward, backward and jvp.

    Example:
        >>> class Cube(graphc.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 3 * x**2 * grad
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> Cube.apply(x).sum().backward()
        >>> x.grad
        tensor([ 3., 12.])
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; gradients are not recorded meanwhile.

        Args:
            *args: the context, unless `setup_context` is overridden, and the positional arguments of `apply`.
            **kwargs: the keyword arguments of `apply`.

        Returns:
            A tensor, or a tuple of tensors and other objects.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs, for a forward without a context.

        Args:
            ctx: the context of the call.
            inputs: tuple of the arguments of forward.
            output: what forward returned.
        """

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the vector-Jacobian products.

        Args:
            ctx: the context of the call.
            *grad_outputs: the cotangent of each output, of its shape.

        Returns:
            For each argument of forward a tensor of its shape, or None; a tuple if there are several.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function "
            "to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Return the Jacobian-vector products.

        Args:
            ctx: the context of the call.
            *grad_inputs: for each argument of forward the tangent, of its shape, or None.

        Returns:
            The tangent of each output; a tuple if there are several.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """Return the outputs for a batch of arguments.

        Args:
            info: object with `batch_size`, the length of the mapped axis, and `randomness`, as of `graphc.func.vmap`.
            in_dims: for each argument its mapped axis, or None.
            *args: the arguments, with the mapped axes.

        Returns:
            (outputs, out_dims), with the mapped axis, or None, of each output.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap static method or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call forward, and record the call so that gradients are computed by backward.

        Args:
            *args: tensors and any other objects.
            **kwargs: keyword arguments of forward; tensors among them get no gradient.

        Returns:
            What forward returns; its tensors require gradients if an argument does and gradients are recorded.

        Raises:
            NotImplementedError: if forward is not overridden.
            RuntimeError: by a backward pass, if backward returns another number of gradients than forward has arguments, or a
                gradient of another shape than its argument.
        """
        call = Call(cls, args, kwargs)
        ctx, nodes, edges = call.ctx, call.ctx._inputs, tuple(x._edge() for x in call.tensors)
        result, recorded = (call.run(), True) if state.trace is None else state.trace.apply_function(call)
        if not (recorded and call.recording):
            return result
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        step = CustomGradFn(
            f"{cls.__name__}Backward", edges, [], nodes,
            lambda cotangents: run_backward(cls.backward, ctx, args, kinds, step, cotangents),
        )  # fmt: skip
        results = [recorded_output(ctx, o, step) if isinstance(o, Tensor) else o for o in outputs]
        kinds = [kind_of(o, step) for o in results]
        ctx._saved = tuple(in_place_of(s, outputs, results) for s in ctx._saved)
        ctx._saved_forward = tuple(in_place_of(s, outputs, results) for s in ctx._saved_forward)
        if cls.jvp is not Function.jvp:
            step.push = lambda cotangents: run_jvp(cls.jvp, ctx, args, results, step, cotangents)
        return type(result)(results) if isinstance(result, (tuple, list)) else results[0]

    @classmethod
    def has_batch_rule(cls) -> bool:
        """Return whether `vmap` is overridden, rather than the batched forward to be generated.

        Raises:
            RuntimeError: if both `vmap` and `generate_vmap_rule` are given, or neither.
        """
        overridden = cls.vmap is not Function.vmap
        if overridden and cls.generate_vmap_rule:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overriden vmap "
                "staticmethod. Please set generate_vmap_rule=False or delete the overriden vmap staticmethod to avoid "
                "ambiguity."
            )
        if not overridden and not cls.generate_vmap_rule:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
                "vmap staticmethod or set generate_vmap_rule=True."
            )
        if cls.setup_context is Function.setup_context:
            raise RuntimeError(
                "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
                "override the setup_context staticmethod."
            )
        return overridden


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that must not be differentiated: a second derivative through it raises an error.

    Args:
        backward: the backward of a `Function`, as a plain function; apply `staticmethod` to the result.

    Returns:
        The decorated backward.

    Raises:
        RuntimeError: when a gradient that the decorated backward returned is differentiated.

    Example:
        >>> class Double(graphc.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...
        ...     @staticmethod
        ...     @graphc.autograd.once_differentiable
        ...     def backward(ctx, grad):
        ...         return grad * 2
        >>> x = graphc.tensor([1.0], requires_grad=True)
        >>> graphc.autograd.grad(Double.apply(x), x)
        (tensor([2.]),)
    """

    @wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            grads_of = backward(ctx, *grads)
        if not state.grad:
            return grads_of
        several = isinstance(grads_of, (tuple, list))
        inputs = [*ctx._inputs, *(g._node() for g in grads if isinstance(g, Tensor))]
        marked = [_refusing(g, inputs) if isinstance(g, Tensor) else g for g in (grads_of if several else (grads_of,))]
        return tuple(marked) if several else marked[0]

    return wrapped


def _refusing(gradient: Tensor, inputs: list[Node]) -> Tensor:
    """Return the gradient on a node whose derivative with respect to its inputs is an error."""
    leaf = make(PRIMITIVES["alias"], (stopped(gradient._node()),), unique=True)
    return Tensor._of(Storage(leaf, True, CustomGradFn("Error", (), [leaf], inputs, _refuse)))


def _refuse(cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    raise RefusedError("trying to differentiate twice a function that was marked with @once_differentiable")
