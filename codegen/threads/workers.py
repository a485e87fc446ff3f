"""The threads that run the parallel loops of programs: a pool in LLVM IR, one for the process.

    void graphc_parallel(ptr body, ptr context, i64 extent, i64 grain, i64 scratch_bytes, i64 threads)
        body(ptr context, ptr scratch, i64 begin, i64 end)     for the chunks of range(extent), each `grain` long

`threads` is how many share the loop; 0 stands for the number of the process.  All of them, the caller among them, claim chunks
by an atomic addition, so the caller waits for no thread that did not start.  Workers start when a loop first needs them, block
all signals, never touch Python, and end with the process.  Each has scratch memory of its own; the caller's call gets null.  A
caller that finds the pool taken, by another thread or by a loop around its own, runs the whole range itself, as with one
thread: what a body computes must not depend on the chunks.

A worker without work spins briefly, then sleeps.  To join a loop it adds itself to ACTIVE and then looks whether the loop is
OPEN; the caller closes the loop and then waits until ACTIVE is 0.  Both are sequentially consistent, so no worker reads the
description of a loop that has ended.
"""

from __future__ import annotations

import signal
import sys
from typing import NamedTuple

from graphc.codegen.llvm.target import host

__all__ = ["MOST_THREADS", "STARTED", "STATE", "SYMBOL", "THREADS", "WORDS", "workers_text"]

SYMBOL = "graphc_parallel"
STATE = "graphc_workers"
"""The variable with the state of the pool; zeros, except for THREADS, are a pool without workers."""

MOST_THREADS = 1024

SPINS = 2000
"""Pauses of a thread that waits, some 50 µs, before it sleeps or yields."""

WAKE = 3
"""The least chunks for which sleeping workers are woken: a call to the system, and some 50 µs until they run."""

BUSY, EPOCH, NEXT, ACTIVE, SEATS = 0, 8, 16, 24, 32
"""Words that several threads write, each on a cache line of its own."""
OPEN, BODY, CONTEXT, EXTENT, GRAIN, BYTES = range(40, 46)
"""The loop that runs."""
THREADS, STARTED, SLEEPERS = range(48, 51)
LOCK, CHANGED = 64, 80
WORDS = 96


class _System(NamedTuple):
    """The operating system's part: LLVM declarations, and calls as text."""

    declarations: str
    prologue: str
    lock: str
    unlock: str
    sleep: str
    wake: str
    give_way: str
    start: str
    """Sets `%failed`, of type i1."""
    result: str
    """The type of a thread's result."""


_POSIX = _System(
    declarations="""declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @sched_yield()""",
    prologue=f"""  %signals = alloca [32 x i64], align 16
  call void @llvm.memset.p0.i64(ptr %signals, i8 -1, i64 256, i1 false)
  call i32 @pthread_sigmask(i32 {int(getattr(signal, "SIG_BLOCK", 0))}, ptr %signals, ptr null)""",
    lock="call i32 @pthread_mutex_lock(ptr %lock)",
    unlock="call i32 @pthread_mutex_unlock(ptr %lock)",
    sleep="call i32 @pthread_cond_wait(ptr %changed, ptr %lock)",
    wake="call i32 @pthread_cond_broadcast(ptr %changed)",
    give_way="call i32 @sched_yield()",
    start="""  %thread = alloca i64, align 8
  %status = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr null)
  %failed = icmp ne i32 %status, 0
  br i1 %failed, label %end, label %detach
detach:
  %handle = load i64, ptr %thread, align 8
  call i32 @pthread_detach(i64 %handle)
  br label %end
end:""",
    result="ptr",
)

_WINDOWS = _System(
    declarations="""declare void @AcquireSRWLockExclusive(ptr)
declare void @ReleaseSRWLockExclusive(ptr)
declare i32 @SleepConditionVariableSRW(ptr, ptr, i32, i32)
declare void @WakeAllConditionVariable(ptr)
declare ptr @CreateThread(ptr, i64, ptr, ptr, i32, ptr)
declare i32 @CloseHandle(ptr)
declare i32 @SwitchToThread()""",
    prologue="",
    lock="call void @AcquireSRWLockExclusive(ptr %lock)",
    unlock="call void @ReleaseSRWLockExclusive(ptr %lock)",
    sleep="call i32 @SleepConditionVariableSRW(ptr %changed, ptr %lock, i32 -1, i32 0)",
    wake="call void @WakeAllConditionVariable(ptr %changed)",
    give_way="call i32 @SwitchToThread()",
    start="""  %thread = call ptr @CreateThread(ptr null, i64 0, ptr @worker, ptr null, i32 0, ptr null)
  %failed = icmp eq ptr %thread, null
  br i1 %failed, label %end, label %detach
detach:
  call i32 @CloseHandle(ptr %thread)
  br label %end
end:""",
    result="i32",
)


def _word(number: int) -> str:
    return f"getelementptr (i64, ptr @{STATE}, i64 {number})"


def _pause() -> tuple[str, str]:
    """Return the declaration and the call of the instruction for loops that wait."""
    if host().triple.startswith(("x86_64", "i686")):
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if host().triple.startswith(("aarch64", "arm64")):
        return "declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"
    return "", "fence seq_cst"


def workers_text() -> str:
    """Return the text of `graphc_parallel`, of the pool's state, and of `graphc_workers_init`, which makes its lock."""
    system = _WINDOWS if sys.platform == "win32" else _POSIX
    declaration, pause = _pause()
    names = {
        **{name.lower(): _word(number) for name, number in _WORDS.items()},
        **system._asdict(), "pause": pause, "pause_declaration": declaration, "spins": SPINS, "least": WAKE, "state": STATE,
        "words": WORDS, "symbol": SYMBOL, "init": _INIT if system is _POSIX else "",
    }  # fmt: skip
    text = _TEXT
    for _ in range(2):  # the parts of a system have names, too
        for name, value in names.items():
            text = text.replace(f"<{name}>", str(value))
    return text


_WORDS = {
    "BUSY": BUSY, "EPOCH": EPOCH, "NEXT": NEXT, "ACTIVE": ACTIVE, "SEATS": SEATS, "OPEN": OPEN, "BODY": BODY,
    "CONTEXT": CONTEXT, "EXTENT": EXTENT, "GRAIN": GRAIN, "BYTES": BYTES, "THREADS": THREADS, "STARTED": STARTED,
    "SLEEPERS": SLEEPERS, "LOCK_AT": LOCK, "CHANGED_AT": CHANGED,
}  # fmt: skip

_INIT = """  call i32 @pthread_mutex_init(ptr <lock_at>, ptr null)
  call i32 @pthread_cond_init(ptr <changed_at>, ptr null)"""

_TEXT = """@<state> = global [<words> x i64] zeroinitializer, align 64

define void @graphc_workers_init() {
<init>
  ret void
}

define void @<symbol>(ptr %body, ptr %context, i64 %extent, i64 %grain, i64 %bytes, i64 %own) {
entry:
  %usual = load atomic i64, ptr <threads> monotonic, align 8
  %special = icmp sgt i64 %own, 0
  %threads = select i1 %special, i64 %own, i64 %usual
  %several = icmp sgt i64 %threads, 1
  %more = icmp sgt i64 %extent, %grain
  %shared = and i1 %several, %more
  br i1 %shared, label %try, label %alone
try:
  %taken = cmpxchg ptr <busy>, i64 0, i64 1 seq_cst seq_cst
  %mine = extractvalue { i64, i1 } %taken, 1
  br i1 %mine, label %open, label %alone
alone:
  call void %body(ptr %context, ptr null, i64 0, i64 %extent)
  ret void
open:
  %others = sub i64 %threads, 1
  call void @start(i64 %others)
  store ptr %body, ptr <body>, align 8
  store ptr %context, ptr <context>, align 8
  store i64 %extent, ptr <extent>, align 8
  store i64 %grain, ptr <grain>, align 8
  store i64 %bytes, ptr <bytes>, align 8
  store atomic i64 0, ptr <next> monotonic, align 8
  store atomic i64 %others, ptr <seats> monotonic, align 8
  store atomic i64 1, ptr <open> seq_cst, align 8
  %before = atomicrmw add ptr <epoch>, i64 1 seq_cst
  %sleepers = load atomic i64, ptr <sleepers> seq_cst, align 8
  %asleep = icmp sgt i64 %sleepers, 0
  %least = mul i64 %grain, <least>
  %long = icmp sge i64 %extent, %least
  %call = and i1 %asleep, %long
  br i1 %call, label %wake, label %work
wake:
  %lock = getelementptr i8, ptr <lock_at>, i64 0
  %changed = getelementptr i8, ptr <changed_at>, i64 0
  <lock>
  <wake>
  <unlock>
  br label %work
work:
  call void @work(ptr null)
  store atomic i64 0, ptr <open> seq_cst, align 8
  br label %wait
wait:
  %waited = phi i64 [ 0, %work ], [ %again, %spin ], [ %again, %yield ]
  %active = load atomic i64, ptr <active> seq_cst, align 8
  %over = icmp eq i64 %active, 0
  br i1 %over, label %done, label %more.waiting
more.waiting:
  %again = add i64 %waited, 1
  %quick = icmp slt i64 %again, <spins>
  br i1 %quick, label %spin, label %yield
spin:
  <pause>
  br label %wait
yield:
  <give_way>
  br label %wait
done:
  store atomic i64 0, ptr <busy> release, align 8
  ret void
}

define internal void @work(ptr %scratch) {
entry:
  %body = load ptr, ptr <body>, align 8
  %context = load ptr, ptr <context>, align 8
  %extent = load i64, ptr <extent>, align 8
  %grain = load i64, ptr <grain>, align 8
  br label %claim
claim:
  %number = atomicrmw add ptr <next>, i64 1 monotonic
  %begin = mul i64 %number, %grain
  %left = icmp slt i64 %begin, %extent
  br i1 %left, label %run, label %done
run:
  %ahead = add i64 %begin, %grain
  %whole = icmp slt i64 %ahead, %extent
  %end = select i1 %whole, i64 %ahead, i64 %extent
  call void %body(ptr %context, ptr %scratch, i64 %begin, i64 %end)
  br label %claim
done:
  ret void
}

define internal void @start(i64 %wanted) {
entry:
  %started = load i64, ptr <started>, align 8
  %missing = icmp slt i64 %started, %wanted
  br i1 %missing, label %next, label %done
next:
  %now = phi i64 [ %started, %entry ], [ %after, %created ]
  %failed = call i1 @create()
  br i1 %failed, label %done, label %created
created:
  %after = add i64 %now, 1
  store i64 %after, ptr <started>, align 8
  %further = icmp slt i64 %after, %wanted
  br i1 %further, label %next, label %done
done:
  ret void
}

define internal i1 @create() {
<start>
  ret i1 %failed
}

define internal <result> @worker(ptr %nothing) {
entry:
  %lock = getelementptr i8, ptr <lock_at>, i64 0
  %changed = getelementptr i8, ptr <changed_at>, i64 0
<prologue>
  br label %look
look:
  %size = phi i64 [ 0, %entry ], [ %size.now, %rest ]
  %raw = phi ptr [ null, %entry ], [ %raw.now, %rest ]
  %seen = load atomic i64, ptr <epoch> seq_cst, align 8
  %joined = atomicrmw add ptr <active>, i64 1 seq_cst
  %open = load atomic i64, ptr <open> seq_cst, align 8
  %is.open = icmp ne i64 %open, 0
  br i1 %is.open, label %sit, label %leave
sit:
  %seat = atomicrmw sub ptr <seats>, i64 1 seq_cst
  %free = icmp sgt i64 %seat, 0
  br i1 %free, label %measure, label %leave
measure:
  %bytes = load i64, ptr <bytes>, align 8
  %fits = icmp sle i64 %bytes, %size
  br i1 %fits, label %run, label %grow
grow:
  call void @free(ptr %raw)
  %room = add i64 %bytes, 64
  %new = call ptr @malloc(i64 %room)
  %none = icmp eq ptr %new, null
  br i1 %none, label %leave, label %run
run:
  %size.run = phi i64 [ %size, %measure ], [ %bytes, %grow ]
  %raw.run = phi ptr [ %raw, %measure ], [ %new, %grow ]
  %address = ptrtoint ptr %raw.run to i64
  %above = add i64 %address, 63
  %aligned = and i64 %above, -64
  %scratch = inttoptr i64 %aligned to ptr
  call void @work(ptr %scratch)
  br label %leave
leave:
  %size.now = phi i64 [ %size, %look ], [ %size, %sit ], [ 0, %grow ], [ %size.run, %run ]
  %raw.now = phi ptr [ %raw, %look ], [ %raw, %sit ], [ null, %grow ], [ %raw.run, %run ]
  %left = atomicrmw sub ptr <active>, i64 1 seq_cst
  br label %spin
spin:
  %spun = phi i64 [ 0, %leave ], [ %spun.next, %pause ]
  %current = load atomic i64, ptr <epoch> acquire, align 8
  %same = icmp eq i64 %current, %seen
  br i1 %same, label %pause, label %rest
pause:
  <pause>
  %spun.next = add i64 %spun, 1
  %on = icmp slt i64 %spun.next, <spins>
  br i1 %on, label %spin, label %bed
bed:
  <lock>
  %slept = atomicrmw add ptr <sleepers>, i64 1 seq_cst
  br label %night
night:
  %latest = load atomic i64, ptr <epoch> seq_cst, align 8
  %quiet = icmp eq i64 %latest, %seen
  br i1 %quiet, label %sleep, label %rise
sleep:
  <sleep>
  br label %night
rise:
  %risen = atomicrmw sub ptr <sleepers>, i64 1 seq_cst
  <unlock>
  br label %rest
rest:
  br label %look
}

declare ptr @malloc(i64)
declare void @free(ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
<pause_declaration>
<declarations>
"""
