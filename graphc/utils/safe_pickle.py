"""Read pickles without running them: an interpreter for a closed set of opcodes and callables.

It reads files that `save` wrote before it had a format of its own, and the pickle inside of a torch file.  No name of a file is
ever imported: each is looked up in a table of builders that check their arguments.  Arrays are built from (dtype string, shape,
bytes).  The length of the file bounds what is copied (`graphc.utils.rebuild.Budget`).

Source: Python's pickletools, which reads the arguments of opcodes and describes what each does to the stack.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from pickletools import opcodes
from typing import Any

from graphc.tensors.tensor import Tensor
from graphc.utils.rebuild import Budget, Storage, array_of, checked_key, damaged, marked
from graphc.utils.safe_calls import CALLED, PLAIN, ArrayStub, DtypeStub, Machine, Name, encoded, find, refused

__all__ = ["unpickled"]


def _push(m: Machine, value: Any) -> None:
    m.stack.append(value)


def _mark(m: Machine, _: Any) -> None:
    m.marks.append(m.stack)
    m.stack = []


def _since_mark(m: Machine) -> list[Any]:
    items, m.stack = m.stack, m.marks.pop()
    return items


def _put(m: Machine, index: Any) -> None:
    m.memo[int(index)] = m.stack[-1]
    if isinstance(m.stack[-1], ArrayStub):
        m.stack[-1].memo.append(int(index))


def _tuple(count: int) -> Callable[[Machine, Any], None]:
    def step(m: Machine, _: Any) -> None:
        if len(m.stack) < count:
            raise damaged("a tuple of more than there is")
        m.stack[-count:] = [tuple(m.stack[-count:])]

    return step


def _append(m: Machine, items: list[Any]) -> None:
    if type(m.stack[-1]) is not list:
        raise damaged("items for no list")
    m.stack[-1].extend(items)


def _add(m: Machine, items: list[Any]) -> None:
    if type(m.stack[-1]) is not set:
        raise damaged("items for no set")
    m.stack[-1].update(checked_key(v) for v in items)


def _pairs_of(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise damaged("a key without a value")
    return {checked_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _set_items(m: Machine, items: list[Any]) -> None:
    if not isinstance(m.stack[-1], dict):
        raise damaged("items for no dictionary")
    m.stack[-1].update(_pairs_of(items))


def _popped(m: Machine, count: int) -> list[Any]:
    if len(m.stack) < count:
        raise damaged("more is taken from the stack than there is")
    items = m.stack[-count:]
    del m.stack[-count:]
    return items


def _call(m: Machine, _: Any) -> None:
    function, args = _popped(m, 2)
    if not isinstance(function, Name) or function not in CALLED or not isinstance(args, tuple):
        raise damaged(f"a call of {function!r:.80}")
    m.stack.append(CALLED[function](m, *args))


def _build(m: Machine, _: Any) -> None:
    (state,) = _popped(m, 1)
    target = m.stack[-1]
    if isinstance(target, ArrayStub):
        m.stack[-1] = array = _filled(m, state)
        for index in target.memo:
            if m.memo.get(index) is target:
                m.memo[index] = array
    elif isinstance(target, DtypeStub) and isinstance(state, tuple) and len(state) >= 5 and state[2:5] == (None, None, None):
        target.order = state[1] if state[1] in ("<", ">", "|", "=") else "!"
    elif type(target) is OrderedDict and isinstance(state, dict) and state.keys() == {"_metadata"}:
        target._metadata = state["_metadata"]  # type: ignore[attr-defined]
    elif isinstance(target, Tensor) and isinstance(state, dict) and state.keys() <= {"_is_buffer", "_persistent"}:
        marked(target, state.get("_persistent"))
    else:
        raise damaged(f"state of a {type(target).__name__}")


def _filled(m: Machine, state: Any) -> Any:
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], DtypeStub):
        raise damaged("expected version, shape, dtype, order and bytes of an array")
    _, shape, dtype, fortran, data = state
    data = encoded(m, data) if isinstance(data, str) else data
    return array_of(dtype.text, shape, data, m.budget, fortran=fortran is True)


def _load_storage(m: Machine, _: Any) -> None:
    (key,) = _popped(m, 1)
    if m.storage is None:
        raise damaged("a storage outside of a torch file")
    m.stack.append(m.storage(key))


def _pop(m: Machine, _: Any) -> None:
    if m.stack:
        m.stack.pop()
    else:
        _since_mark(m)


def _global(m: Machine, name: Any) -> None:
    m.stack.append(find(*name))


def _stack_global(m: Machine, _: Any) -> None:
    m.stack.append(find(*_popped(m, 2)))


def _constant(value: Any) -> Callable[[Machine, Any], None]:
    return lambda m, _: m.stack.append(value)


_PUSHED = (
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
)  # fmt: skip

STEPS: dict[str, Callable[[Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda m, _: None),
    **dict.fromkeys(_PUSHED, _push),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "EMPTY_TUPLE": _constant(()),
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda m, _: (_since_mark(m), None)[1],
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    "MEMOIZE": lambda m, _: _put(m, len(m.memo)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, n: m.stack.append(m.memo[int(n)])),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": lambda m, _: _push(m, tuple(_since_mark(m))),
    "LIST": lambda m, _: _push(m, _since_mark(m)),
    "DICT": lambda m, _: _push(m, _pairs_of(_since_mark(m))),
    "FROZENSET": lambda m, _: _push(m, frozenset([checked_key(v) for v in _since_mark(m)])),
    "APPEND": lambda m, _: _append(m, _popped(m, 1)),
    "APPENDS": lambda m, _: _append(m, _since_mark(m)),
    "ADDITEMS": lambda m, _: _add(m, _since_mark(m)),
    "SETITEM": lambda m, _: _set_items(m, _popped(m, 2)),
    "SETITEMS": lambda m, _: _set_items(m, _since_mark(m)),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "BINPERSID": _load_storage,
}
"""The effect of each opcode; other opcodes are refused."""


def _lines(stream: io.BytesIO) -> tuple[str, str]:
    module, name = stream.readline(1000), stream.readline(1000)
    return module.decode().removesuffix("\n"), name.decode().removesuffix("\n")


def _reader(opcode: Any) -> Callable[[io.BytesIO], Any]:
    if opcode.name == "GLOBAL":
        return _lines
    read: Callable[[io.BytesIO], Any] = opcode.arg.reader if opcode.arg is not None else lambda stream: None
    return read


OPCODES = {o.code.encode("latin1"): (o.name, _reader(o)) for o in opcodes if o.name in STEPS}
"""For each opcode byte, its name and the reader of its argument."""


def unpickled(data: bytes, storage: Callable[[Any], Storage] | None = None, budget: Budget | None = None) -> tuple[Any, int]:
    """Return the object of a pickle and its length in bytes; `storage` resolves the persistent ids of a torch file.

    Raises UnpicklingError for anything but tensors, arrays, numbers and containers, and for a damaged file.
    """
    machine = Machine(Budget(len(data)) if budget is None else budget, storage)
    stream = io.BytesIO(data)
    try:
        name = ""
        while name != "STOP":
            code = stream.read(1)
            if code not in OPCODES:
                raise damaged(f"the pickle opcode {code!r}")
            name, read = OPCODES[code]
            STEPS[name](machine, read(stream))
        return _checked(machine.stack[-1]), stream.tell()
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged(f"{type(error).__name__}: {error}"[:300]) from error


def _checked(value: Any) -> Any:
    """Return a value after checking that it contains no names and no unfinished arrays, which only the reader may see."""
    todo, seen = [value], set[int]()
    while todo:
        part = todo.pop()
        if isinstance(part, Name):
            raise refused(part)
        if isinstance(part, PLAIN):
            continue
        if not isinstance(part, (list, tuple, dict, set, frozenset)):
            raise damaged(f"a {type(part).__name__} that is not finished")
        if id(part) not in seen:
            seen.add(id(part))
            todo.extend(part)
            todo.extend(part.values() if isinstance(part, dict) else ())
            todo.append(getattr(part, "_metadata", None))
    return value
