"""The base of lazy modules: their first call gives their parameters shapes, and changes their class."""

from __future__ import annotations

from itertools import chain
from typing import Any, ClassVar

from graphc.autograd.grad_mode import no_grad
from graphc.nn.module import Module
from graphc.nn.parameter import is_lazy
from graphc.tracing.trace import is_compiling

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """Base, before the layer's class, of modules with parameters whose shapes the first call finds out.

    A subclass defines `initialize_parameters`, with the arguments of `forward`, and `cls_to_become`.

    Args:
        *args: arguments of the layer's class.
        **kwargs: the same by name.

    Shapes:
        Those of the layer's class.

    Example:
        >>> class LazyScale(LazyModuleMixin):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = nn.UninitializedParameter()
        ...     def initialize_parameters(self, input):
        ...         self.factor.materialize(input.shape[-1:])
        ...         nn.init.ones_(self.factor)
        ...     def forward(self, input):
        ...         return input * self.factor
        >>> LazyScale()(graphc.tensor([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self.register_load_state_dict_pre_hook(LazyModuleMixin._load_shapes)
        self._initialize_hook = self.register_forward_pre_hook(LazyModuleMixin._infer, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes and first values; every subclass defines it.

        Args:
            *args: what the module is called with.
            **kwargs: the same by name.

        Raises:
            NotImplementedError: if the subclass does not define it.
        """
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Return whether a parameter or buffer has no shape yet.

        Returns:
            A bool.
        """
        return any(is_lazy(t) for t in chain(self._parameters.values(), self._buffers.values()))

    def _infer(self, args: Any, kwargs: Any) -> None:
        if is_compiling():
            raise RuntimeError(f"call {self._get_name()} once before it is compiled: its first call creates the parameters")
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook, self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @no_grad()  # type: ignore[untyped-decorator]
    def _load_shapes(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Give parameters the shapes of those that are loaded."""
        for name, tensor in chain(self._parameters.items(), self._buffers.items()):
            loaded = state_dict.get(prefix + name)
            if is_lazy(tensor) and loaded is not None and not is_lazy(loaded):
                tensor.materialize(loaded.shape)  # type: ignore[union-attr]
