"""Elementwise operations: arithmetic, functions, comparisons, logic and bits."""
