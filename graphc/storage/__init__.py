"""Storages of tensors, the views that read them, and their slots in a recording."""
