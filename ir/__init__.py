"""The tensor graph: types, primitives, nodes, and passes from graph to graph.  Knows neither tensors nor LLVM."""
