"""The processor's vector instructions."""

from __future__ import annotations

from graphc.backends import cpu
from graphc.codegen.llvm.target import host


def test_the_capability_is_that_of_the_target():
    wide = host().has("avx512f")
    assert (cpu.get_cpu_capability() == "AVX512") == wide
