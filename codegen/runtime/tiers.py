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
from collections.abc import Callable
from typing import Literal, Protocol
from weakref import WeakSet

from graphc.codegen.runtime.cache import Cache
from graphc.codegen.runtime.engine import MachineCode, compile_text, llvm_lock
from graphc.ir.text import debug

__all__ = ["BETTER", "LEVELS", "QUICK", "Background", "Opt", "background", "cached", "code_cache_size", "machine_code"]

CACHED_PROGRAMS, CACHED_BYTES = 512, 1 << 26
"""How many machine codes are cached, and their bytes; programs keep their code alive beyond that."""
LEVELS = (0, 1, 2, 3)
QUICK: Literal[0] = 0
BETTER: Literal[1] = 1

Opt = Literal[0, 1, 2, 3, "auto"]

IDLE = 10.0
"""Seconds after which an idle thread ends."""

MOST_JOBS = 32
"""How many compilations may wait for the background."""


def new_cache() -> Cache[tuple[str, int], MachineCode]:
    """Return a cache of machine code by text and level."""
    return Cache(CACHED_PROGRAMS, CACHED_BYTES)


_code = new_cache()


def code_cache_size() -> int:
    """Return the number of cached machine codes."""
    return len(_code)


def cached(text: str, level: int) -> MachineCode | None:
    """Return the machine code of a text at a level, if it is cached."""
    return _code.get((text, level))


def machine_code(text: str, level: int) -> MachineCode:
    """Return the machine code of a text at a level, compiling it if it is not cached."""
    code = cached(text, level)
    if code is None:
        with debug.timed("machine code"):
            code = compile_text(text, level)
        code = _code.add((text, level), code, code.bytes)
    return code


class User(Protocol):
    """A program that can be moved to other machine code."""

    def move(self, code: MachineCode) -> None:
        """Run this code from the next call on."""


class Background:
    """A thread that runs compilations, and then compiles better code for the programs that wait for it."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        """Compilations in the order in which they were submitted; the first is running, or runs next."""
        self.waiting: OrderedDict[str, WeakSet[User]] = OrderedDict()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None
        self.stopped = False

    def submit(self, job: Callable[[], None]) -> bool:
        """Run a compilation ahead of all better code; return False if too many wait, or if the process ends.

        `threading.excepthook` reports an error.  A process that forks meanwhile runs it, too.
        """
        with self.changed:
            accepted = len(self.jobs) < MOST_JOBS and not self.stopped
            if accepted:
                self.jobs.append(job)
                self._start()
            return accepted

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
                self.changed.wait_for(lambda: self.jobs or self.waiting or self.stopped, IDLE)
                if self.stopped or not (self.jobs or self.waiting):
                    self.thread = None
                    return
                job = self.jobs[0] if self.jobs else None
            failed = True
            try:
                if job is None:
                    self._improve_first()
                else:
                    job()
                failed = False
            finally:
                with self.changed:
                    if job is not None:
                        del self.jobs[0]
                    if failed:  # programs stay as they are; threading.excepthook reports why, and this thread ends
                        self.thread = None
                        if self.jobs or self.waiting:
                            self._start()
                    self.changed.notify_all()

    def _improve_first(self) -> None:
        """Compile better code for the programs that wait longest."""
        with self.changed:
            text, users = next(iter(self.waiting.items()))
        code = None
        try:
            code = machine_code(text, BETTER) if users else None
        finally:
            with self.changed:
                users = self.waiting.pop(text)
                if code is not None:
                    for user in users:
                        user.move(code)
                    _code.pop((text, QUICK))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is queued; return whether that is so."""
        with self.changed:
            return self.changed.wait_for(lambda: not (self.jobs or self.waiting), timeout)

    def stop(self) -> None:
        """Wait until no thread is in LLVM, which must not run when the process ends, and keep the others out for good."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        llvm_lock.acquire()


background = Background()
atexit.register(lambda: background.stop())


def _in_child() -> None:
    """Start a thread in a forked process for the programs that still wait."""
    global background
    jobs, waiting = background.jobs, background.waiting
    background = Background()
    for job in jobs:
        background.submit(job)
    for text, users in waiting.items():
        for user in users:
            background.improve(text, user)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
