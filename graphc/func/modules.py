"""Calls of modules with other parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.core.errors import located
from graphc.ops.shape.joining import stack
from graphc.tensors.tensor import Tensor

__all__ = ["functional_call", "stack_module_state"]


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
    dicts = parameter_and_buffer_dicts
    tensors = dict(dicts) if isinstance(dicts, Mapping) else {k: v for part in dicts for k, v in part.items()}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    if strict and own.keys() - tensors.keys():
        raise located(RuntimeError(f"Missing key(s): {', '.join(sorted(own.keys() - tensors.keys()))}."))
    if tie_weights:
        tensors = {**_tied(module, tensors), **tensors}
    with _swapped(module, tensors):
        return module(*arguments, **(kwargs or {}))


def _tied(module: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the replacements of tensors that the module also has under other names."""
    places = [
        (f"{prefix}.{name}" if prefix else name, tensor)
        for prefix, owner in module.named_modules(remove_duplicate=False)
        for table in (owner._parameters, owner._buffers)
        for name, tensor in table.items()
    ]
    replacements = {id(tensor): tensors[path] for path, tensor in places if path in tensors and tensor is not None}
    return {path: replacements[id(tensor)] for path, tensor in places if id(tensor) in replacements}


@contextmanager
def _swapped(module: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Replace a module's tensors for a block."""
    originals: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for path, tensor in tensors.items():
            *owners, name = path.split(".")
            owner = module
            for part in owners:
                owner = getattr(owner, part)
            table = next((t for t in (owner._parameters, owner._buffers) if name in t), None)
            if table is None:
                raise KeyError(f"the module has no parameter or buffer called {path!r}")
            originals.append((table, name, table[name]))
            table[name] = tensor
        yield
    finally:
        for table, name, tensor in reversed(originals):
            table[name] = tensor


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and the buffers of several modules of one class, stacked: for `vmap` of `functional_call`.

    Args:
        models: the modules, all in training or all in evaluation mode.

    Returns:
        The pair of dicts from names to tensors, with the number of models as the first axis. They are new leaves, which require
        gradients if the models' do.

    Raises:
        RuntimeError: if there are no models, or their classes or modes differ, or only some require a gradient.

    Example:
        >>> models = [nn.Linear(3, 2) for _ in range(5)]
        >>> params, buffers = func.stack_module_state(models)
        >>> {name: tuple(p.shape) for name, p in params.items()}
        {'weight': (5, 2, 3), 'bias': (5, 2)}
        >>> func.vmap(lambda p, x: func.functional_call(models[0], p, x), in_dims=(0, None))(params, graphc.ones(3)).shape
        torch.Size([5, 2])
    """
    if not len(models):
        raise located(RuntimeError("stack_module_state: Expected at least one model, got 0."))
    if len({bool(m.training) for m in models}) > 1:
        raise located(RuntimeError("stack_module_state: Expected all models to have the same training/eval mode."))
    if len({type(m) for m in models}) > 1:
        raise located(RuntimeError("stack_module_state: Expected all models to be of the same class."))
    params = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return _stacked(params), _stacked(buffers)


def _stacked(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Any]:
    return {name: _stacked_leaf(name, [s[name] for s in states]) for name in states[0]}


def _stacked_leaf(name: str, tensors: Sequence[Any]) -> Any:
    """Return a new leaf of several leaves.  Raises RuntimeError."""
    if len({bool(t.requires_grad) for t in tensors}) > 1:
        raise located(RuntimeError(f"Expected {name} from each model to have the same .requires_grad"))
    return stack([t.detach() for t in tensors]).detach().requires_grad_(tensors[0].requires_grad)
