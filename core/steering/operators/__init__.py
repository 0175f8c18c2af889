"""What can be done to an activation: one pure function a file, all of one shape."""

from core.steering.operators.operator import Operator
from core.steering.operators.table import OPERATORS, operator_named

__all__ = ["OPERATORS", "Operator", "operator_named"]
