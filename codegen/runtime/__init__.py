"""LLVM IR to machine code; memory, compilation tiers and the call from Python."""
