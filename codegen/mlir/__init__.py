"""Print graphs as MLIR."""
