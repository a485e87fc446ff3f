"""Emit LLVM IR for loop kernels."""
