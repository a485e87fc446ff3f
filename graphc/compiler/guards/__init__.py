"""The Python values that a trace depends on: found by a search through code and objects, compared at each call."""
