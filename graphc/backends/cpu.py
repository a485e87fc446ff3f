"""Queries about the processor."""

from __future__ import annotations

from graphc.codegen.llvm.target import host

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Return the vector instructions that code is made for: "AVX512", "AVX2" or "DEFAULT".

    Example:
        >>> graphc.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")
        True
    """
    machine = host()
    return "AVX512" if machine.has("avx512f") else "AVX2" if machine.has("avx2") else "DEFAULT"
