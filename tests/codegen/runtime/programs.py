"""Small native programs, and entries that call them."""

from __future__ import annotations

import pytest

from graphc.codegen.runtime import numpy_abi

native_only = pytest.mark.skipif(not numpy_abi.supported(), reason="no native calls on this Python")


LARGE = 1 << 18
