"""The target that tests compile for."""

from __future__ import annotations

from graphc.codegen.llvm.target import host

__all__ = ["TARGET"]

TARGET = host().info
