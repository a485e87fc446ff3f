"""Emit whole programs: buffers, control flow, loops in registers."""
