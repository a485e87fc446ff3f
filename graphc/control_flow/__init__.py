"""`cond`, `while_loop`, `scan`, `fori_loop` and checkpoints."""
