"""Orthogonal decompositions of matrices, by LAPACK, and what follows from them."""
