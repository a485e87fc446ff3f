"""Calls of modules with other parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.core.errors import located
from graphc.tensors.tensor import Tensor

__all__ = ["functional_call"]


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
