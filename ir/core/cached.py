"""A cached property without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

__all__ = ["cached_property"]

T = TypeVar("T")


class cached_property(Generic[T]):
    """A property that is computed on first read and stored in the object's `__dict__`.

    functools.cached_property holds one lock per class up to Python 3.11: a process forked while another thread computes the
    property waits for that lock forever.  Here two threads that read it at once may both compute it; one result is kept.
    """

    def __init__(self, func: Callable[[Any], T]) -> None:
        self.func = func
        self.__doc__ = func.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, kind: type) -> cached_property[T]: ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: object | None, kind: type) -> Any:
        if owner is None:
            return self
        fields = owner.__dict__
        value = fields.get(self.name, self)
        return fields.setdefault(self.name, self.func(owner)) if value is self else value
