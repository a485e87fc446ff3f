"""How operands are read: movement operations as index maps, and the legality rule for kernels."""
