"""How values are read: movement as index maps, and the law of kernels."""
