"""Loops and branches whose values are small, as straight-line code on registers."""
