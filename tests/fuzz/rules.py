"""Everything that a statement may be: importing the modules enters their rules into the table."""

from tests.fuzz import (
    rules_control,
    rules_elementwise,
    rules_index,
    rules_nn,
    rules_parts,
    rules_reduce,
    rules_shape,
    rules_transform,
    rules_write,
)

__all__ = [
    "rules_control",
    "rules_elementwise",
    "rules_index",
    "rules_nn",
    "rules_parts",
    "rules_reduce",
    "rules_shape",
    "rules_transform",
    "rules_write",
]
