"""Record Python functions as graphs."""
