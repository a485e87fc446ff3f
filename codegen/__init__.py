"""Turn an optimized tensor graph into loop kernels, LLVM IR and machine code, and call it."""
