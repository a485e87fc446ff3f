"""Poll for signals in native loops: Ctrl-C, and every other signal that Python code handles.

    i64 graphc_poll(ptr words)        0, or INTERRUPTED with a Python exception set

Python's C handler only records a signal; its Python handler runs when the interpreter polls, in the main thread.  A loop of a
program counts its iterations down (`Poll.tick`), and calls `graphc_poll` at zero.  That reads the clock, and sets the number
of iterations to the next call: one if the last ones took long, more if they did not.  Each tenth of a second it takes the
GIL, if it runs in the main thread, and calls `PyErr_CheckSignals`.  If a handler raises, the program ends with the status
`INTERRUPTED`, and the call raises the handler's exception.
"""

from __future__ import annotations

import sys
import time

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value

__all__ = ["INTERRUPTED", "PYTHON", "SYMBOL", "Poll", "poll_text"]

INTERRUPTED = 4
"""The status of a program that a signal handler ended; the exception is set."""

SYMBOL = "graphc_poll"
PYTHON = ("PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals", "PyThread_get_thread_ident")

CHECK_NS = 100_000_000
"""Time between two checks of Python's signals; taking the GIL may mean waiting for another thread."""
SLOW_NS = 1_000_000
"""If the time between two readings of the clock was longer, the next iteration reads it again."""
MOST = 64
"""The most iterations between two readings of the clock."""

LEFT, STRIDE, READ, CHECKED = range(4)
"""Words of a program: iterations left until the clock is read, how many they were, when it and when signals were looked at."""

EXIT, LEAVE = "exit", "interrupted"


class Poll:
    """Emits the polls of a program in its main function."""

    def __init__(self, main: Function) -> None:
        self.f = main
        self._words: Value | None = None

    def restart(self) -> None:
        """Restart the count: iterations of another loop may take longer."""
        f, words = self.f, self._declare()
        for word in (LEFT, STRIDE):
            f.store(f.i64(1), f.element(words, f.i64(word), "i64"))

    def tick(self) -> None:
        """Count an iteration, poll if due, and leave the program if a handler raised."""
        f, words = self.f, self._declare()
        left = f.sub(f.load(words, "i64"), f.i64(1))
        f.store(left, words)
        with f.when(f.cmp("slt", left, f.i64(1)), "poll"):
            f.module.declare(SYMBOL, f"declare i64 @{SYMBOL}(ptr)")
            status = f.inst(f"call i64 @{SYMBOL}({words.typed})", "i64")
            name = f.fresh("polled")
            f.cond_br(f.cmp("ne", status, f.i64(0)), LEAVE, name)
            f.start(name)

    def end(self, status: Value) -> None:
        """Emit the exit from interrupted loops to the block `exit`, which the caller begins."""
        if self._words is not None:
            f = self.f
            f.start(LEAVE)
            f.store(f.i64(INTERRUPTED), status)
            f.br(EXIT)

    @property
    def used(self) -> bool:
        """Whether any loop polls."""
        return self._words is not None

    def _declare(self) -> Value:
        if self._words is None:
            self._words = self.f.alloca("i64", 4)
            for word, value in ((LEFT, 1), (STRIDE, 1), (READ, 0), (CHECKED, 0)):
                variable = f"{self._words.name}.{word}"
                self.f.entry_allocas.append(f"  {variable} = getelementptr i64, ptr {self._words.name}, i64 {word}")
                self.f.entry_allocas.append(f"  store i64 {value}, ptr {variable}, align 8")
        return self._words


def poll_text() -> str:
    """Return the text of `graphc_poll` and of the variable `graphc_main_thread`, the main thread's number."""
    module = Module()
    module.constant("graphc_main_thread", "global i64 0")
    for name, signature in zip(PYTHON, ("i32 @{}()", "void @{}(i32)", "i32 @{}()", "i64 @{}()"), strict=True):
        module.declare(name, "declare " + signature.format(name))
    f = Function(module, SYMBOL, [("ptr", "words")], "i64")
    now = _clock(f)
    read, checked, stride = (f.element(f.args[0], f.i64(i), "i64") for i in (READ, CHECKED, STRIDE))
    first = f.cmp("eq", f.load(read, "i64"), f.i64(0))
    with f.when(first):
        f.store(now, checked)
    quick = f.cmp("slt", f.sub(now, f.load(read, "i64")), f.i64(SLOW_NS))
    twice = f.mul(f.load(stride, "i64"), f.i64(2))
    most = f.select(f.cmp("slt", twice, f.i64(MOST)), twice, f.i64(MOST))
    following = f.select(quick, most, f.i64(1))
    for value, address in ((now, read), (following, stride), (following, f.args[0])):
        f.store(value, address)
    _return_unless(f, f.cmp("sgt", f.sub(now, f.load(checked, "i64")), f.i64(CHECK_NS)), "check")
    f.store(now, checked)
    thread = f.inst("call i64 @PyThread_get_thread_ident()", "i64")
    _return_unless(f, f.cmp("eq", thread, f.load(Value("@graphc_main_thread", "ptr"), "i64")), "main")
    state = f.inst("call i32 @PyGILState_Ensure()", "i32")
    raised = f.cmp("ne", f.inst("call i32 @PyErr_CheckSignals()", "i32"), f.const(0, "i32"))
    f.do(f"call void @PyGILState_Release({state.typed})")
    f.ret(f.select(raised, f.i64(INTERRUPTED), f.i64(0)))
    module.functions = [f]
    return str(module)


def _return_unless(f: Function, condition: Value, then: str) -> None:
    f.cond_br(condition, then, f"before.{then}")
    f.start(f"before.{then}")
    f.ret(f.i64(0))
    f.start(then)


def _clock(f: Function) -> Value:
    """Read a monotonic clock in nanoseconds, never 0."""
    if sys.platform == "win32":
        f.module.declare("GetTickCount64", "declare i64 @GetTickCount64()")
        return f.mul(f.inst("call i64 @GetTickCount64()", "i64"), f.i64(1_000_000))
    f.module.declare("clock_gettime", "declare i32 @clock_gettime(i32, ptr)")
    words = f.alloca("i64", 2)
    f.inst(f"call i32 @clock_gettime(i32 {int(time.CLOCK_MONOTONIC)}, {words.typed})", "i32")
    nanoseconds = f.load(f.element(words, f.i64(1), "i64"), "i64")
    return f.add(f.mul(f.load(words, "i64"), f.i64(1_000_000_000)), nanoseconds)
