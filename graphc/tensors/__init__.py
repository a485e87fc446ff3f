"""The tensor: views of storages, lazy evaluation, dispatch of operations."""
