"""The public operations, by family, composed of the primitives of graphc.ir."""
