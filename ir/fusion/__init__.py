"""From a graph of operations to a graph of kernels."""
