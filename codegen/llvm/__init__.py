"""Emit LLVM IR as text: instructions, scalar operations, math functions."""
