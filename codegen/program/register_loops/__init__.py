"""Loops and branches over small values, as straight-line code on registers."""
