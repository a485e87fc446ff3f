"""`graphc.compile`."""
