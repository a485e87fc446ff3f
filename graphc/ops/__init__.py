"""The operations people call, by family, composed of the primitives of graphc.ir."""
