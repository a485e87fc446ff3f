"""Indexing, gathers, scatters and masks."""
