"""Loop kernels: their IR, the lowering of fusions, and schedules; independent of LLVM."""
