"""Transformations of graphs: reverse mode, forward mode, batching."""
