"""LLVM IR to machine code; memory, compile levels and the call from Python."""
