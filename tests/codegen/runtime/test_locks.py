"""Locks that a fork releases and that their holder may acquire again."""

from __future__ import annotations

import os
import threading

import pytest

from graphc.codegen.runtime.locks import ForkLock


def test_the_holder_may_acquire_it_again_and_others_wait() -> None:
    lock, order = ForkLock(), []

    def other() -> None:
        with lock:
            order.append("other")

    thread = threading.Thread(target=other)
    with lock, lock:
        thread.start()
        thread.join(0.05)
        order.append("holder")
    thread.join()
    assert order == ["holder", "other"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_releases_what_another_thread_holds() -> None:
    lock, held, done = ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        with lock:
            pass
        with lock:
            os._exit(7)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
