"""The threads that share the loops of programs: how many there are, and the pool in LLVM IR."""
