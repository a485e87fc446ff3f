"""Results of a call: values, tensors that share with others, and how they are stored."""
