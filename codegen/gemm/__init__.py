"""Matrix products: blocking, packing, micro-kernels."""
