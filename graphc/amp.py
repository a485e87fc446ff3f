"""Mixed precision, as in torch.amp: for another device than the CPU, where it is off; the CPU has no narrow floats yet."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["GradScaler", "autocast"]


class autocast:
    """Context manager and decorator of mixed precision, which is off: numbers keep their dtype.

    As in torch on a machine without CUDA, device_type "cuda" is switched off with a warning.

    Args:
        device_type: "cuda" or "cpu".
        dtype: accepted as in torch.
        enabled: whether it is on; for the CPU only False is possible.
        cache_enabled: accepted as in torch.

    Raises:
        NotImplementedError: if it is enabled for the CPU.

    Example:
        >>> with graphc.amp.autocast("cpu", enabled=False):
        ...     (graphc.ones(2) * 2).dtype
        torch.float32
    """

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        if enabled and device_type == "cpu":
            raise NotImplementedError("autocast on the CPU needs bfloat16 or float16, which graphc does not have yet")
        if enabled:
            got = f"User provided device_type of '{device_type}', but {device_type.upper()} is not available. Disabling"
            warnings.warn(got, stacklevel=2)
        self.device, self.fast_dtype = device_type, dtype
        self._enabled = False

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(func)
        def call(*args: Any, **kwargs: Any) -> Any:
            return func(*args, **kwargs)

        return call


class GradScaler:
    """Scaling of losses for narrow floats, which is off: there is no CUDA.

    Args:
        device: "cuda" or "cpu".
        init_scale: accepted as in torch and ignored.
        growth_factor: accepted as in torch and ignored.
        backoff_factor: accepted as in torch and ignored.
        growth_interval: accepted as in torch and ignored.
        enabled: whether to scale; for CUDA it is switched off with a warning.

    Raises:
        NotImplementedError: if it is enabled for the CPU.

    Example:
        >>> scaler = graphc.amp.GradScaler(enabled=False)
        >>> scaler.scale(graphc.tensor(2.0))
        tensor(2.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cpu":
            raise NotImplementedError("GradScaler on the CPU needs float16, which graphc does not have yet")
        if enabled:
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)

    def scale(self, outputs: Any) -> Any:
        """Return the losses as they are.

        Args:
            outputs: tensor, or several.
        """
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Do nothing: gradients are not scaled.

        Args:
            optimizer: the optimizer.
        """

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call `optimizer.step`.

        Args:
            optimizer: the optimizer.
            *args: its arguments.
            **kwargs: its arguments by name.
        """
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Do nothing.

        Args:
            new_scale: accepted as in torch and ignored.
        """

    def get_scale(self) -> float:
        """Return 1."""
        return 1.0

    def is_enabled(self) -> bool:
        """Return False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return an empty dict."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing.

        Args:
            state_dict: accepted as in torch and ignored.
        """
