"""Dtypes, errors, promotion, pytrees, printing."""
