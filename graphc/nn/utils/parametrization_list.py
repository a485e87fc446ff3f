"""The parametrizations of one tensor, and the tensors that they compute it from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.nn.containers import ModuleList
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["ParametrizationList", "check_kept", "register", "set_data"]


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in order, with the original tensors; `register_parametrization` makes it.

    Args:
        modules: the parametrizations.
        original: the parameter or buffer that is parametrized.
        unsafe: whether its shape and dtype may change.

    Shapes:
        It has no inputs; the result is the parametrized tensor.

    Raises:
        ValueError: if there is no module, or shape or dtype change.

    Example:
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
        >>> list(layer.parametrizations.weight.state_dict())
        ['original0', 'original1']
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = tuple(original.shape), original.dtype
        with no_grad():
            new: Any = original
            for module in reversed(list(self)):
                new = _inverted(module, new)
        self.is_tensor = isinstance(new, Tensor)
        if isinstance(new, Tensor):
            self.ntensors = 1
            if dtype is not new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            set_data(original, new)
            register(self, "original", original)
        elif isinstance(new, Sequence):
            self.ntensors = len(new)
            self._register_several(original, new)
        else:
            raise ValueError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(new).__name__}"
            )
        if not unsafe:
            _check_same(self(), shape, dtype, "unparametrized {0}: {1}\nparametrized {0}: {2}")

    def _register_several(self, original: Tensor, tensors: Sequence[Any]) -> None:
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                    f"Got element {i} of the sequence with type {type(tensor).__name__}."
                )
            member = Parameter(tensor, original.requires_grad) if isinstance(original, Parameter) else tensor
            register(self, f"original{i}", member.requires_grad_(original.requires_grad))

    def original_names(self) -> list[str]:
        """Return the attributes of the original tensors.

        Returns:
            The list of "original", or of "original0", "original1", …
        """
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def forward(self) -> Any:
        """Compute the parametrized tensor.

        Returns:
            The result of the last parametrization.
        """
        value: tuple[Any, ...] = tuple(getattr(self, name) for name in self.original_names())
        for module in self:
            value = (module(*value),)
        return value[0]

    @no_grad()  # type: ignore[untyped-decorator]
    def right_inverse(self, value: Any) -> None:
        """Set the original tensors so that the parametrized one gets a value, by the `right_inverse` of each parametrization.

        Args:
            value: tensor of the parametrized tensor's shape.

        Raises:
            RuntimeError: if a parametrization has no `right_inverse`.
            ValueError: if the last one returns tensors of other dtypes, or another number of them.
        """
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            value = module.right_inverse(value)
        if self.is_tensor and not isinstance(value, Tensor):
            raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
        values = [value] if self.is_tensor else value
        if not isinstance(values, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(values).__name__}.")
        if len(values) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(values)}."
            )
        for name, tensor in zip(self.original_names(), values, strict=True):
            self._set_original(name, tensor)

    def _set_original(self, name: str, tensor: Any) -> None:
        original = getattr(self, name)
        if not isinstance(tensor, Tensor):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {name} of type {type(tensor).__name__}.")
        if tensor.dtype is not original.dtype:
            which = "The tensor" if self.is_tensor else f"Tensor {name.removeprefix('original')}"
            raise ValueError(
                f"{which} returned by `right_inverse` has dtype {tensor.dtype} while `{name}` has dtype {original.dtype}"
            )
        set_data(original, tensor)


def _inverted(module: Any, value: Any) -> Any:
    """Return what `right_inverse` returns, or the value itself if there is none."""
    if not hasattr(module, "right_inverse"):
        return value
    try:
        return module.right_inverse(value)
    except NotImplementedError:
        return value


def register(module: Module, name: str, tensor: Tensor) -> None:
    """Add a tensor to a module, as a parameter if it is one, else as a buffer."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def set_data(tensor: Tensor, value: Tensor) -> None:
    """Give a tensor, which stays the same object, the values and the shape of another one."""
    if value is not tensor:
        tensor.data = value.detach()


def check_kept(parametrization: Any, current: Tensor, name: str) -> None:
    """Raise ValueError if a parametrization, or its inverse, changes the shape or dtype of a tensor, which has a name."""
    result = parametrization(current)
    shape, dtype = tuple(current.shape), current.dtype
    _check_same(result, shape, dtype, f"{name}.{{0}}: {{1}}\nparametrization({name}).{{0}}: {{2}}", "the ")
    inverse = _inverted(parametrization, result)
    if not isinstance(inverse, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(inverse).__name__}")
    for kind, was, got in (("dtype", dtype, inverse.dtype), ("shape", shape, tuple(inverse.shape))):
        if was != got:
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {kind} as {name}, "
                f"unless the `unsafe` flag is enabled.\n{name}.{kind}: {was}\nreturned {kind}: {got}"
            )


def _check_same(result: Any, shape: tuple[int, ...], dtype: Any, lines: str, article: str = "") -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for kind, was, got in (("dtype", dtype, result.dtype), ("shape", shape, tuple(result.shape))):
        if was != got:
            raise ValueError(
                f"Registering a parametrization may not change the {kind} of the tensor, "
                f"unless {article}`unsafe` flag is enabled.\n" + lines.format(kind, was, got)
            )
