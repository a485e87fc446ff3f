"""Fixtures of the tests of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import graphc

RUNS: dict[str, Callable[..., Any]] = {"eager": lambda f: f, "compiled": graphc.compile}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Any:
    """How a function is run: as it is, or compiled."""
    return RUNS[request.param]
