"""The graph: types, nodes with regions, and the closed set of operations."""
