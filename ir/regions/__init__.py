"""Nodes with regions as records: loops, and functions with rules of their own."""
