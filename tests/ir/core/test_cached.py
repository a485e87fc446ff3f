"""A cached property is computed once, holds no lock, and is the only one in use."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from graphc.ir.core.cached import cached_property

ROOT = Path(__file__).parents[3]


class Doubled:
    def __init__(self, x: int) -> None:
        self.x = x
        self.reads = 0

    @cached_property
    def twice(self) -> int:
        """Return 2x."""
        self.reads += 1
        return 2 * self.x


def test_it_is_computed_once() -> None:
    y = Doubled(3)
    assert (y.twice, y.twice, y.reads) == (6, 6, 1)
    assert Doubled.twice.__doc__ == "Return 2x."


def test_another_object_is_read_while_one_is_computed() -> None:
    """functools.cached_property waits here up to Python 3.11."""
    inside, go_on = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, wait: bool) -> None:
            self.wait = wait

        @cached_property
        def value(self) -> int:
            inside.set()
            return int(not self.wait or go_on.wait(30))

    thread = threading.Thread(target=lambda: Slow(True).value, daemon=True)
    thread.start()
    assert inside.wait(30)
    seen: list[int] = []
    second = threading.Thread(target=lambda: seen.append(Slow(False).value), daemon=True)
    second.start()
    second.join(30)
    go_on.set()
    thread.join(30)
    assert seen == [1]


def test_no_module_uses_the_one_with_a_lock() -> None:
    texts = {p: p.read_text() for folder in ("graphc", "ir", "codegen") for p in (ROOT / folder).rglob("*.py")}
    locked = re.compile(r"from functools import .*cached_property|@functools\.cached_property")
    assert len(texts) > 100
    assert [p for p, text in texts.items() if locked.search(text)] == []
