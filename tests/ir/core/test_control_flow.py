"""What is asked of nodes with regions."""

from __future__ import annotations

from graphc.ir.core import control_flow
from graphc.ir.core.graph import Region, parameter
from graphc.ir.core.types import BOOL, F64, TensorType


def test_the_arguments_of_regions():
    flag, x = parameter(TensorType(BOOL), "flag"), parameter(TensorType(F64))
    p = parameter(TensorType(F64), "p")
    (choice,) = control_flow.cond(flag, Region((p,), (p,)), Region((p,), (p + p,)), [x])
    (call,) = control_flow.checkpoint(Region((p,), (p * p,)), [x])
    assert control_flow.arguments(choice, choice.operands) == (x,) and control_flow.arguments(call, "a") == "a"
