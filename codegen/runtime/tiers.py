"""Machine code cached by text and level, and optimized code compiled in the background while unoptimized code runs.

Level 0 takes a quarter to two thirds of the compile time of level 1, and its code up to three times the run time
(docs/decisions.md).  A program compiled at level 0 calls `background.improve`; a thread compiles it at level 1 and moves the
program to the new code, also during a call: running calls finish in the old code, which is kept.

llvmlite holds one lock around every LLVM call: while the thread compiles, programs can be called, but other compilations wait.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from typing import Literal, Protocol
from weakref import WeakSet

from graphc.codegen.runtime.engine import MachineCode, compile_text
from graphc.codegen.runtime.locks import ForkLock
from graphc.ir.text import debug

__all__ = ["BETTER", "LEVELS", "QUICK", "Background", "Opt", "background", "cached", "code_cache_size", "machine_code"]

CACHED_PROGRAMS = 512
LEVELS = (0, 1, 2, 3)
QUICK: Literal[0] = 0
BETTER: Literal[1] = 1

Opt = Literal[0, 1, 2, 3, "auto"]

IDLE = 10.0
"""Seconds after which an idle thread ends."""

_code: OrderedDict[tuple[str, int], MachineCode] = OrderedDict()
_lock = ForkLock()


def code_cache_size() -> int:
    """Return the number of cached machine codes."""
    return len(_code)


def cached(text: str, level: int) -> MachineCode | None:
    """Return the machine code of a text at a level, if it is cached."""
    with _lock:
        code = _code.get((text, level))
        if code is not None:
            _code.move_to_end((text, level))
    return code


def machine_code(text: str, level: int) -> MachineCode:
    """Return the machine code of a text at a level, compiling it if it is not cached."""
    code = cached(text, level)
    if code is None:
        with debug.timed("machine code"):
            code = compile_text(text, level)
        with _lock:
            _code[text, level] = code
            if len(_code) > CACHED_PROGRAMS:
                _code.popitem(last=False)
    return code


class User(Protocol):
    """A program that can be moved to other machine code."""

    def move(self, code: MachineCode) -> None:
        """Run this code from the next call on."""


class Background:
    """A thread that compiles better code for the programs that wait for it."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[str, WeakSet[User]] = OrderedDict()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None
        self.stopped = False

    def improve(self, text: str, user: User) -> None:
        """Move `user` to better code of a text: at once if it is cached, else when it is compiled."""
        with self.changed:
            code = cached(text, BETTER)
            if code is None:
                self.waiting.setdefault(text, WeakSet()).add(user)
                self._start()
        if code is not None:
            user.move(code)

    def _start(self) -> None:
        if self.thread is None and not self.stopped:
            self.thread = threading.Thread(target=self._run, name="graphc-compiler", daemon=True)
            self.thread.start()
        self.changed.notify_all()

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting or self.stopped, IDLE)
                if self.stopped or not self.waiting:
                    self.thread = None
                    return
                text, users = next(iter(self.waiting.items()))
            try:
                code = machine_code(text, BETTER) if users else None
            except BaseException:
                with self.changed:  # the programs stay as they are; threading.excepthook reports why
                    self.waiting.pop(text)
                    self.thread = None
                raise
            with self.changed:
                for user in self.waiting.pop(text):
                    assert code is not None
                    user.move(code)
                self.changed.notify_all()
            with _lock:
                _code.pop((text, QUICK), None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is queued; return whether that is so."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.waiting, timeout)

    def stop(self) -> None:
        """Finish the current compilation and start no more: LLVM must not run when the process ends."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
            thread = self.thread
        if thread is not None:
            thread.join()


background = Background()
atexit.register(lambda: background.stop())


def _in_child() -> None:
    """Start a thread in a forked process for the programs that still wait."""
    global background
    waiting = background.waiting
    background = Background()
    for text, users in waiting.items():
        for user in users:
            background.improve(text, user)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
