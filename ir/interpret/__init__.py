"""Run graphs on NumPy: the reference evaluator and what is built on it."""
