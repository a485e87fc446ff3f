"""The parameters and buffers of a tree of modules: iteration, modes, dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeVar

from graphc.core import dtypes as _dtypes
from graphc.nn.module.attributes import AttributeTables
from graphc.nn.parameter import Parameter
from graphc.tensors.devices import device as _device
from graphc.tensors.tensor import Tensor

__all__ = ["Members", "clear_grad"]

M = TypeVar("M", bound="Members")


class Members(AttributeTables):
    """Iterate over parameters and buffers, and change their mode or dtype; a subclass yields the tree of modules."""

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Yield the module and all submodules with their dotted names; a subclass defines it."""
        raise NotImplementedError

    def _named_members(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else iter([(prefix, self)])
        for path, module in owners:
            for name, member in getattr(module, kind).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters of the module and its submodules with their dotted names.

        Args:
            prefix: put before every name, with a dot.
            recurse: whether to include those of submodules.
            remove_duplicate: whether a parameter that has several names is yielded once.

        Returns:
            Iterator over pairs (name, parameter).

        Example:
            >>> [(name, tuple(p.shape)) for name, p in nn.Linear(3, 2).named_parameters()]
            [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters of the module and its submodules, each once, for an optimizer.

        Args:
            recurse: whether to include those of submodules.

        Returns:
            Iterator over parameters.
        """
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers of the module and its submodules with their dotted names.

        Args:
            prefix: put before every name, with a dot.
            recurse: whether to include those of submodules.
            remove_duplicate: whether a buffer that has several names is yielded once.

        Returns:
            Iterator over pairs (name, tensor).

        Example:
            >>> [name for name, _ in nn.BatchNorm1d(3).named_buffers()]
            ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers of the module and its submodules, each once.

        Args:
            recurse: whether to include those of submodules.

        Returns:
            Iterator over tensors.
        """
        return (b for _, b in self.named_buffers(recurse=recurse))

    def train(self: M, mode: bool = True) -> M:
        """Set the training mode of the module and all submodules, on which dropout and batch normalization depend.

        Args:
            mode: True for training, False for evaluation.

        Returns:
            The module.

        Raises:
            ValueError: if mode is not a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for _, module in self.named_modules():
            module.__dict__["training"] = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation mode: `train(False)`.

        Returns:
            The module.
        """
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Set whether gradients of all parameters are computed.

        Args:
            requires_grad: the new value of the parameters' attribute.

        Returns:
            The module.
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters.

        Args:
            set_to_none: whether they become None; False sets them to 0.
        """
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Convert the floating-point parameters and buffers to a dtype, in place.

        Args:
            *args: a floating-point dtype, a tensor whose dtype is taken, or a device, which is the CPU.
            **kwargs: the same by the names `dtype`, `device` and so on.

        Returns:
            The module.

        Raises:
            TypeError: if the dtype is not floating-point.
            RuntimeError: for another device than the CPU.

        Example:
            >>> nn.Linear(3, 2).to(graphc.float64).weight.dtype
            torch.float64
        """
        dtype = next(
            (
                a.dtype if isinstance(a, Tensor) else a
                for a in (*args, *kwargs.values())
                if hasattr(a, "ir") or isinstance(a, Tensor)
            ),
            None,
        )
        for value in (*args[:1], kwargs.get("device")):
            if isinstance(value, (str, _device)):
                _device(value)
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        for tensor in chain(self.parameters(), self.buffers()):
            if tensor.is_floating_point():
                grad = tensor.grad
                tensor.data = tensor.data.to(dtype)
                if grad is not None:
                    tensor.grad = grad.to(dtype)
        return self

    def float(self: M) -> M:
        """Convert the floating-point parameters and buffers to float32, in place.

        Returns:
            The module.
        """
        return self.to(_dtypes.float32)

    def double(self: M) -> M:
        """Convert the floating-point parameters and buffers to float64, in place.

        Returns:
            The module.
        """
        return self.to(_dtypes.float64)

    def half(self: M) -> M:
        """Convert the floating-point parameters and buffers to float16, in place.

        Returns:
            The module.

        Raises:
            NotImplementedError: if there is no such dtype.
        """
        return self.to(_dtype_named("float16"))

    def bfloat16(self: M) -> M:
        """Convert the floating-point parameters and buffers to bfloat16, in place.

        Returns:
            The module.

        Raises:
            NotImplementedError: if there is no such dtype.
        """
        return self.to(_dtype_named("bfloat16"))

    def type(self: M, dst_type: Any) -> M:
        """Convert all parameters and buffers to a dtype, in place.

        Args:
            dst_type: a dtype, or a tensor type or the name of one, as `Tensor.type` takes it.

        Returns:
            The module.

        Raises:
            RuntimeError: if parameters need gradients and the dtype is not floating-point.

        Example:
            >>> nn.Linear(3, 2).type("torch.DoubleTensor").weight.dtype
            torch.float64
        """
        for tensor in chain(self.parameters(), self.buffers()):
            grad, data = tensor.grad, tensor.data.type(dst_type)
            if tensor.requires_grad and not data.is_floating_point():
                raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
            tensor.data = data
            if grad is not None:
                tensor.grad = grad.type(dst_type)
        return self

    def cpu(self: M) -> M:
        """Return the module: it is on the CPU already.

        Returns:
            The module.
        """
        return self

    def cuda(self: M, device: Any = None) -> M:
        """Raise RuntimeError: graphc computes on the CPU; `graphc.cuda.is_available()` says so.

        Args:
            device: accepted for compatibility with torch and ignored.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("graphc runs on the CPU: there is no CUDA device")

    def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
        """Return the module: its tensors have memory on the only device already.

        Args:
            device: the CPU, or None.
            recurse: whether submodules are meant, too; it makes no difference.

        Returns:
            The module; values are unspecified in torch, here they stay.

        Raises:
            RuntimeError: for another device.
        """
        if device is not None:
            _device(device)
        return self


def _dtype_named(name: str) -> Any:
    """Return a dtype that may not exist."""
    dtype = getattr(_dtypes, name, None)
    if dtype is None:
        raise NotImplementedError(f"there is no dtype {name}")
    return dtype


def clear_grad(tensor: Tensor, set_to_none: bool) -> None:
    """Set the gradient of a tensor to None, or fill it with zeros, also where it is infinite, and drop its history."""
    grad = tensor.grad
    if set_to_none:
        tensor.grad = None
    elif grad is not None:
        if grad.requires_grad:
            grad = tensor.grad = grad.detach()
        grad.zero_()
