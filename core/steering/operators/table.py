"""The family of operators: a new one is a file of its own and a line here."""

from __future__ import annotations

from core.errors import UserError
from core.steering.operators.ablate import Ablate
from core.steering.operators.add import Add
from core.steering.operators.cap import Cap
from core.steering.operators.clamp import Clamp
from core.steering.operators.norm_add import NormAdd
from core.steering.operators.operator import Operator
from core.steering.operators.project import Project
from core.steering.operators.scale import Scale
from core.steering.operators.set import Set

OPERATORS: dict[str, Operator] = {
    operator.name: operator for operator in (Add(), NormAdd(), Ablate(), Project(), Set(), Clamp(), Cap(), Scale())
}


def operator_named(name: str) -> Operator:
    """The operator called `name`. Raises UserError if there is none."""
    if name not in OPERATORS:
        raise UserError(f"There is no operator {name!r}; there are {', '.join(OPERATORS)}.")
    return OPERATORS[name]
