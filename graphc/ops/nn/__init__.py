"""What layers compute: activations, convolution, pooling, normalization, attention, dropout."""
