"""Loop kernels: the kernel IR, lowering to it, and its schedule.  No LLVM here."""
