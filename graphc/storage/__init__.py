"""Where tensors keep their values, the views that read them, and their slots in a recording."""
