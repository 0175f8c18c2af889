"""One number per text from one forward pass: a class's logit, or the target read where the next word is predicted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.models.model import Model
from core.tcav.targets import ClassLogit, Target, last_positions

Inputs = dict[str, Tensor]


def with_target(model: Model, inputs: Inputs, target: Target) -> tuple[Inputs, Callable[[Any], Tensor]]:
    """What to run, and the function from the model's output to the target's value of each row, (batch,).

    Logits of all tokens are the largest array of a pass, and all but one row's worth of them is not looked at. Where
    the model can, it is asked for those of the positions that some row needs.
    """
    if isinstance(target, ClassLogit):
        return inputs, lambda output: target.of(output.logits)
    model.check_predicts_words()
    last = last_positions(model, inputs)
    rows = torch.arange(len(last), device=last.device)
    places, column = torch.unique(last, return_inverse=True)
    tokens = inputs["input_ids"].shape[1]
    if "logits_to_keep" in inspect.signature(model.network.forward).parameters:
        inputs = {**inputs, "logits_to_keep": places}

    def scalar(output: Any) -> Tensor:
        logits = output.logits
        # Some models take the argument and give all logits all the same.
        chosen = last if logits.shape[1] == tokens else column
        return target.of(logits[rows, chosen])

    return inputs, scalar
