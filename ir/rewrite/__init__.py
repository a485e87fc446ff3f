"""The rewrite engine and its rules."""
