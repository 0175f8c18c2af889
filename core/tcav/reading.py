"""One number per text from one forward pass: a class's logit, or the target read where the next word is predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from core.models.model import Model
from core.models.next_token import at_next
from core.tcav.targets import ClassLogit, Target

Inputs = dict[str, Tensor]


def with_target(model: Model, inputs: Inputs, target: Target) -> tuple[Inputs, Callable[[Any], Tensor]]:
    """What to run, and the function from the model's output to the target's value of each row, (batch,)."""
    if isinstance(target, ClassLogit):
        return inputs, lambda output: target.of(output.logits)
    return at_next(model, inputs, target.of)
