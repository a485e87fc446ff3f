"""Nodes with regions as records: loops and custom functions."""
