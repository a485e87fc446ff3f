"""Changes of resolution and layout of images and signals."""
