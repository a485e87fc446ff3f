"""Fixtures of the tests of native calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graphc.codegen.runtime import numpy_abi


@pytest.fixture(params=["native", "python"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a test with native entries, and with their replacement in Python."""
    if request.param == "python":
        monkeypatch.setattr(numpy_abi, "supported", lambda: False)
    yield request.param
