"""Kernels of factorizations of dense matrices, and of solutions by them."""
