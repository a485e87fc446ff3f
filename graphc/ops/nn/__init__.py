"""The functions of layers: activations, convolution, pooling, normalization, attention, dropout."""
