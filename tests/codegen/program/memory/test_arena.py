"""The arena: values with disjoint live ranges share bytes."""

from __future__ import annotations

from graphc.codegen.program.memory.arena import LiveRange, plan


def test_values_that_do_not_live_together_share_memory():
    first, second, third = LiveRange(1000, 0, 1), LiveRange(1000, 1, 2), LiveRange(1000, 2, 3)
    assert plan([first, second, third]) == 2048
    assert first.offset != second.offset != third.offset
