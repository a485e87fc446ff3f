"""Print, parse and verify graphs."""
