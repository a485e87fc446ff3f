"""Compile LLVM IR text to machine code in this process: LLVM writes an object, which a JIT engine then loads.

An engine that compiled the text itself would keep its target machine with all tables of the target, 1.5 MB for each program; so
all programs of a level share one machine, and their engines hold nothing but the loaded object.

Code is generated at level 1 without LLVM's pass pipeline: kernels are already vectorized, and the pipeline would triple the
compile time for equal code (docs/decisions.md).
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding.ffi import lib

from graphc.codegen.linear_algebra.lapack import address_of, routines_in
from graphc.codegen.llvm.target import host
from graphc.codegen.runtime.disk import Store
from graphc.codegen.runtime.interrupts import PYTHON, SYMBOL, poll_text
from graphc.codegen.runtime.system_memory import system
from graphc.codegen.threads import workers
from graphc.codegen.threads.thread_count import default_threads

__all__ = ["MachineCode", "compile_text", "cross_assembly", "get_threads", "llvm_lock", "set_threads", "started_threads"]

_objects = Store("object")

MAPPED = 1 << 20
"""Bytes mapped for an object beyond twice its own: each of its sections takes whole pages."""

ENGINE_BYTES = 1 << 16
"""Estimated memory of an engine: pages of code and data that are not filled, tables of symbols."""

llvm_lock = threading.RLock()
"""Held while LLVM runs."""


def _stop_llvm() -> None:
    """Wait until no thread is inside LLVM, and keep others out, including those that free code under llvmlite's own lock."""
    llvm_lock.acquire()
    lib._lock.__enter__()


def _go_on() -> None:
    lib._lock.__exit__()
    llvm_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_stop_llvm, after_in_parent=_go_on, after_in_child=_go_on)
    os.register_at_fork(after_in_child=lambda: _new_main_thread())
    os.register_at_fork(after_in_child=lambda: _no_workers())


@functools.cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(host().triple)


@functools.cache
def _machine(level: int) -> Any:
    """Return the target machine that writes code of a level."""
    return _new_machine(level)


def _new_machine(level: int = 1) -> Any:
    h = host()
    model = "small" if sys.platform != "win32" else "large"
    return _target().create_target_machine(cpu=h.cpu, features=h.features, opt=level, reloc="pic", codemodel=model, jit=True)


@dataclass
class MachineCode:
    """One compiled module: its functions' addresses, and its text for inspection.

    The memory of the code lives as long as this object.
    """

    text: str
    level: int
    bytes: int
    """The estimated memory: the text, the object and the code loaded from it, pages of the engine."""
    _engine: Any = field(repr=False)

    def address(self, name: str) -> int:
        """Return the address of a function.  Raises KeyError for an unknown name."""
        address = self._engine.get_function_address(name)
        if not address:
            raise KeyError(name)
        return int(address)

    def variable(self, name: str) -> int:
        """Return the address of a variable.  Raises KeyError for an unknown name."""
        address = self._engine.get_global_value_address(name)
        if not address:
            raise KeyError(name)
        return int(address)

    def llvm_ir(self) -> str:
        """Return the module as LLVM prints it after parsing."""
        with llvm_lock:
            return str(_parsed(self.text, _machine(self.level)))

    def asm(self) -> str:
        """Return the assembly for this machine."""
        with llvm_lock:
            machine = _machine(self.level)
            return str(machine.emit_assembly(_parsed(self.text, machine)))


def compile_text(text: str, level: int = 1) -> MachineCode:
    """Parse, verify and load LLVM IR text, with code of a level from 0, fast to compile, to 3.

    Raises RuntimeError with LLVM's message for bad text, and ImportError if it calls LAPACK and SciPy is missing.
    """
    with llvm_lock:
        if f"@{SYMBOL}(" in text:
            _poll()
        if f"@{workers.SYMBOL}(" in text:
            _workers()
        for symbol, routine in routines_in(text):
            llvm.add_symbol(symbol, address_of(routine))
        return _loaded(text, level)


def _parsed(text: str, machine: Any) -> Any:
    module = llvm.parse_assembly(text)
    module.triple = host().triple
    module.data_layout = str(machine.target_data)
    module.verify()
    return module


def _loaded(text: str, level: int) -> MachineCode:
    key = f"{level}\n{text}"
    written = _objects.load(key)
    if written is None:
        start = perf_counter()
        written = _object(text, level)
        _objects.store(key, written, perf_counter() - start)
    return MachineCode(text, level, len(text) + 2 * len(written) + ENGINE_BYTES, _load(written))


def _object(text: str, level: int) -> bytes:
    """Return the object that LLVM writes for a text."""
    machine = _machine(level)
    module = _parsed(text, machine)
    written: bytes = machine.emit_object(module)
    module.close()
    return written


def _load(written: bytes) -> Any:
    """Return an engine that has loaded an object; it owns a target machine, which it does not use.

    Code reaches constants by offsets of 32 bits, and LLVM maps one after the other; it aborts where they are too far apart.
    """
    module = llvm.parse_assembly("")
    module.triple = host().triple
    engine = llvm.create_mcjit_compiler(module, _new_machine())
    with system.within_reach(2 * len(written) + MAPPED):
        engine.add_object_file(llvm.ObjectFileRef.from_data(written))
        engine.finalize_object()
    return engine


@functools.cache
def _poll() -> ctypes.c_int64:
    """Register the poll function with LLVM; return the variable that holds the main thread's number."""
    for name in PYTHON:
        llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    code = _loaded(poll_text(), 1)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))  # loops may run until the very end of the process
    llvm.add_symbol(SYMBOL, code.address(SYMBOL))
    thread = ctypes.c_int64.from_address(code.variable("graphc_main_thread"))
    thread.value = threading.main_thread().ident or 0
    return thread


def _new_main_thread() -> None:
    """Record in a forked process that the thread that forked is its main thread."""
    if _poll.cache_info().currsize:
        _poll().value = threading.get_ident()


# -- threads ----------------------------------------------------------------------------------------------


_threads: list[int] = []
"""The number of threads, once it is known."""


def get_threads() -> int:
    """Return how many threads the parallel loops of programs use.  Raises ValueError for a bad `GRAPHC_NUM_THREADS`."""
    if not _threads:
        _threads.append(default_threads())
    return _threads[0]


def set_threads(number: int) -> None:
    """Set how many threads parallel loops use, from the next loop on."""
    _threads[:] = [number]
    if not _workers.cache_info().currsize:
        with llvm_lock:  # another thread may be loading the pool
            pass
    if _workers.cache_info().currsize:
        _workers()[0][workers.THREADS] = number


def started_threads() -> int:
    """Return how many workers run; they start when a loop first needs them."""
    return int(_workers()[0][workers.STARTED]) if _workers.cache_info().currsize else 0


@functools.cache
def _workers() -> tuple[Any, Any]:
    """Load the pool of threads and register it with LLVM; return its state, and the function that makes its lock."""
    code = _loaded(workers.workers_text(), 1)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))  # workers run until the very end of the process
    llvm.add_symbol(workers.SYMBOL, code.address(workers.SYMBOL))
    state = (ctypes.c_int64 * workers.WORDS).from_address(code.variable(workers.STATE))
    init = ctypes.CFUNCTYPE(None)(code.address("graphc_workers_init"))
    init()
    state[workers.THREADS] = get_threads()
    return state, init


def _no_workers() -> None:
    """Give a forked process a pool without workers: those of its parent do not exist there."""
    if _workers.cache_info().currsize:
        state, init = _workers()
        ctypes.memset(ctypes.addressof(state), 0, ctypes.sizeof(state))
        init()
        state[workers.THREADS] = get_threads()


def cross_assembly(text: str, triple: str, cpu: str = "", features: str = "") -> str:
    """Return the assembly of LLVM IR text for another target, such as `aarch64-unknown-linux-gnu`."""
    with llvm_lock:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=1, reloc="pic")
        module = llvm.parse_assembly(text)
        module.triple = triple
        module.data_layout = str(machine.target_data)
        return str(machine.emit_assembly(module))
