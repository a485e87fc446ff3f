"""The methods of tensors that are operations."""
