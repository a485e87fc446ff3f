"""Passes over whole loops."""
