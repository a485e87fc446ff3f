"""Nodes with regions as records: loops, calls and custom functions."""
