"""The names that Python code reads and assigns, from its bytecode: globals, cells of closures, attributes.

A name that is only updated by itself (`calls += 1`, `seen["f"] += 1`), or whose object is only appended to
(`losses.append(loss)`), is not read: no result depends on it.  A tensor is: `state.count += 1` writes to it.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType

__all__ = ["Reads", "reads_of"]

REFLECTION = frozenset(("getattr", "hasattr", "vars", "eval", "exec", "globals", "locals", "attrgetter", "__dict__"))
"""Names by which code may read any attribute."""

GROWING = frozenset(("append", "extend", "insert", "add", "update", "appendleft"))
"""Methods of containers that modify them without revealing their contents."""

SHUFFLES = frozenset((
    "COPY", "SWAP", "DUP_TOP", "DUP_TOP_TWO", "ROT_TWO", "ROT_THREE", "PRECALL", "PUSH_NULL", "NOP", "EXTENDED_ARG", "RESUME",
    "CACHE",
))  # fmt: skip
"""Instructions that only move values on the stack, or do nothing."""

GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
CELL = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM")
STORES = ("STORE_GLOBAL", "STORE_NAME", "STORE_DEREF", "STORE_ATTR")


@dataclass(frozen=True)
class Reads:
    """The names that code reads, including functions defined in it.

    `grown` are names on which it only calls methods that append to a container, `updated` those that it only updates by
    themselves; `anything` is set if it may read any attribute.  `stored` are the attributes and cells that it assigns, `items`
    says whether it assigns items.
    """

    globals: frozenset[str]
    cells: frozenset[str]
    attributes: frozenset[str]
    grown: frozenset[str]
    updated: frozenset[str]
    anything: bool
    stored: frozenset[str]
    stored_globals: frozenset[str]
    items: bool


_known: dict[CodeType, Reads] = {}


def reads_of(code: CodeType) -> Reads:
    """Return the reads of a code object, cached."""
    reads = _known.get(code)
    if reads is None:
        reads = _known[code] = _reads(code)
    return reads


def _reads(code: CodeType) -> Reads:
    groups: dict[str, set[str]] = {"global": set(), "cell": set(), "attribute": set()}
    grown: set[str] = set()
    updated: set[str] = set()
    read: set[str] = set()
    stored: dict[bool, set[str]] = {True: set(), False: set()}
    items = False
    for one in _nested(code):
        instructions = [i for i in dis.get_instructions(one) if i.opname not in SHUFFLES]
        for i, instruction in enumerate(instructions):
            kind = _kind(instruction.opname)
            items = items or instruction.opname == "STORE_SUBSCR"
            if instruction.opname in STORES:
                stored[instruction.opname in ("STORE_GLOBAL", "STORE_NAME")].add(instruction.argval)
            if kind:
                groups[kind].add(instruction.argval)
                grows = i + 1 < len(instructions) and _grows(instructions[i + 1])
                (updated if _is_update(instructions, i) else grown if grows else read).add(instruction.argval)
    anything = not REFLECTION.isdisjoint(groups["global"] | groups["attribute"])
    globals, cells, attributes = (frozenset(groups[kind]) for kind in ("global", "cell", "attribute"))
    only_grown, only_updated = frozenset(grown - read), frozenset(updated - grown - read)
    elsewhere, in_globals = frozenset(stored[False]), frozenset(stored[True])
    return Reads(globals, cells, attributes, only_grown, only_updated, anything, elsewhere, in_globals, items)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _kind(opname: str) -> str:
    return "global" if opname in GLOBAL else "cell" if opname in CELL else "attribute" if opname in ATTRIBUTE else ""


def _is_update(code: Sequence[dis.Instruction], i: int) -> bool:
    """Return whether the value that an instruction loads is only stored back to where it came from."""
    after = [_plain(x.opname) for x in code[i + 1 : i + 6]]
    if after[:3] == ["CONST", "OPERATION", "STORE"]:
        return bool(code[i + 3].argval == code[i].argval)
    return after[:2] == ["CONST", "STORE_SUBSCR"] or after == ["CONST", "ITEM", "CONST", "OPERATION", "STORE_SUBSCR"]


def _grows(instruction: dis.Instruction) -> bool:
    return _plain(instruction.opname) == "ATTRIBUTE" and instruction.argval in GROWING


def _plain(opname: str) -> str:
    """Normalize opcode names that differ between versions of Python."""
    if opname in ATTRIBUTE:
        return "ATTRIBUTE"
    if opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
        return "CONST"
    if opname == "BINARY_SUBSCR":
        return "ITEM"
    if opname in STORES:
        return "STORE"
    return "OPERATION" if opname == "BINARY_OP" or opname.startswith("INPLACE_") else opname
