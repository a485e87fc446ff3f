"""The tensor graph: types, primitives, nodes, and graph-to-graph passes.  It depends on neither tensors nor LLVM."""
