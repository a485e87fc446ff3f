"""New tensors: filled, of ranges, of data."""
