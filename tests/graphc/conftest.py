"""Fixtures of the tests of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import graphc
from graphc.recording.structures import tally

RUNS: dict[str, Callable[..., Any]] = {"eager": lambda f: f, "compiled": graphc.compile}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Any:
    """How a function is run: as it is, or compiled."""
    return RUNS[request.param]


MODE = tally.mode
"""How the whole suite computes eager code: "auto", or what GRAPHC_EAGER says."""


@pytest.fixture(autouse=True)
def _mode_of_the_suite() -> Iterator[None]:
    yield
    if tally.mode != MODE:
        graphc.set_eager(MODE)


@pytest.fixture
def auto() -> None:
    """Compute eager code under the policy "auto", whatever the mode of the suite: for tests of that policy."""
    graphc.set_eager("auto")
