"""Compile an optimized tensor graph to loop kernels, LLVM IR and machine code, and call it."""
