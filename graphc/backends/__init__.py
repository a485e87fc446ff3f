"""Switches of libraries that torch computes with: graphc uses none, and they have no effect."""

from graphc.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
