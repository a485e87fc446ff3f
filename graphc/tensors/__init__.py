"""The tensor: a storage read through a view, its gradient, and access to its values."""
