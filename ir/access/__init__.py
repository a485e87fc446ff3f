"""How values are read: the law of kernels."""
