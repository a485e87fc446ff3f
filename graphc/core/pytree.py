"""Flatten nested tuples, lists and dicts into leaves, and rebuild them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

__all__ = [
    "TreeDef", "access_paths", "builder", "flatten", "ordered_like", "paths", "sketch", "tree_map", "unflatten",
]  # fmt: skip


class TreeDef(NamedTuple):
    """The structure of a pytree: kind of container, keys, children; a leaf has kind None.  Hashable."""

    kind: Any
    keys: tuple[Any, ...] = ()
    parts: tuple[TreeDef, ...] = ()

    @property
    def size(self) -> int:
        """The number of leaves."""
        return 1 if self.kind is None else sum(p.size for p in self.parts)


LEAF = TreeDef(None)
NOTHING = TreeDef(type(None))
DICTS = (dict, OrderedDict, defaultdict)


def flatten(value: Any) -> tuple[list[Any], TreeDef]:
    """Return the leaves of nested tuples, lists, dicts and named tuples, and the pytree's structure.

    None is a pytree without leaves; dicts keep their order; any other object is a leaf.
    """
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves)


def _flatten(value: Any, leaves: list[Any]) -> TreeDef:
    if value is None:
        return NOTHING
    kind = type(value)
    if kind in DICTS:
        return TreeDef(kind, tuple(value), tuple([_flatten(v, leaves) for v in value.values()]))
    if kind is list or kind is tuple or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        return TreeDef(kind, (), tuple([_flatten(v, leaves) for v in value]))
    leaves.append(value)
    return LEAF


def unflatten(leaves: Sequence[Any], tree: TreeDef) -> Any:
    """Return the pytree of a structure with these leaves."""
    return _unflatten(iter(leaves), tree)


def _unflatten(leaves: Iterator[Any], tree: TreeDef) -> Any:
    if tree.kind is None:
        return next(leaves)
    if tree.kind is type(None):
        return None
    parts = [_unflatten(leaves, p) for p in tree.parts]
    if tree.kind in DICTS:
        pairs = zip(tree.keys, parts, strict=True)
        return defaultdict(None, pairs) if tree.kind is defaultdict else tree.kind(pairs)
    return tree.kind(*parts) if hasattr(tree.kind, "_fields") else tree.kind(parts)


def builder(tree: TreeDef) -> Callable[[Sequence[Any]], Any]:
    """Return `unflatten` for one structure as a function of the leaves, ten times as fast."""
    names: dict[str, Any] = {}
    places = iter(range(tree.size))

    def named(x: Any) -> str:
        names[name := f"n{len(names)}"] = x
        return name

    def spelled(part: TreeDef) -> str:
        if part.kind is None:
            return f"leaves[{next(places)}]"
        if part.kind is type(None):
            return "None"
        inner = [spelled(p) for p in part.parts]
        if part.kind in DICTS:
            pairs = f"{{{', '.join(f'{named(k)}: {x}' for k, x in zip(part.keys, inner, strict=True))}}}"
            return pairs if part.kind is dict else f"{named(part.kind)}({'None, ' if part.kind is defaultdict else ''}{pairs})"
        if part.kind is list:
            return f"[{', '.join(inner)}]"
        together = "".join(f"{x}, " for x in inner)
        return f"({together})" if part.kind is tuple else f"{named(part.kind)}({together})"

    try:
        build: Callable[[Sequence[Any]], Any] = eval(f"lambda leaves: {spelled(tree)}", names)
    except (SyntaxError, MemoryError, RecursionError):  # Python parses at most a hundred nested brackets
        return partial(unflatten, tree=tree)
    return build


def ordered_like(value: Any, tree: TreeDef) -> Any:
    """Return a pytree with its dicts in the key order of a structure, where they have the same keys."""
    kind = type(value)
    if kind is not tree.kind or value is None:
        return value
    if kind in DICTS:
        if value.keys() != set(tree.keys):
            return value
        pairs = [(k, ordered_like(value[k], part)) for k, part in zip(tree.keys, tree.parts, strict=True)]
        return defaultdict(None, pairs) if kind is defaultdict else kind(pairs)
    if len(value) != len(tree.parts):
        return value
    parts = [ordered_like(x, part) for x, part in zip(value, tree.parts, strict=True)]
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def paths(tree: TreeDef, name: str = "") -> Iterator[str]:
    """Yield a name for every leaf: `name`, then the keys and numbers on the path, joined by underscores."""
    if tree.kind is None:
        yield name
        return
    keys = tree.keys or range(len(tree.parts))
    for key, part in zip(keys, tree.parts, strict=True):
        yield from paths(part, f"{name}_{key}" if name else str(key))


def access_paths(tree: TreeDef, path: str = "") -> Iterator[str]:
    """Yield how each leaf of a pytree is accessed in Python: `[0]['x']`."""
    if tree.kind is None:
        yield path
        return
    fields = getattr(tree.kind, "_fields", None)
    keys = [f".{k}" for k in fields] if fields else [f"[{k!r}]" for k in tree.keys or range(len(tree.parts))]
    for key, part in zip(keys, tree.parts, strict=True):
        yield from access_paths(part, path + key)


def sketch(tree: TreeDef) -> str:
    """Return the text of a pytree with an asterisk for each leaf."""
    return str(unflatten(["*"] * tree.size, tree)).replace("'*'", "*")


def tree_map(f: Callable[..., Any], value: Any, *others: Any) -> Any:
    """Apply a function to the leaves of pytrees of one structure.  Raises ValueError if the structures differ."""
    leaves, tree = flatten(value)
    rest = [flatten(o) for o in others]
    for _, shape in rest:
        if shape != tree:
            raise ValueError(f"expected pytrees of one structure, got {tree} and {shape}")
    return unflatten([f(*group) for group in zip(leaves, *(leaves_of_other for leaves_of_other, _ in rest), strict=True)], tree)
