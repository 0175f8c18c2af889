"""Where a model predicts what comes after a text, and the logits of that place alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from core.models.model import Model


def last_positions(model: Model, inputs: Mapping[str, Tensor]) -> Tensor:
    """The position (batch,) of each row's last token that is neither padding nor special.

    Some tokenizers end every text with a special token, and what comes after that is another text. A row of nothing
    but special tokens is read at its end.
    """
    real = inputs["attention_mask"].bool()
    special = torch.tensor(sorted(model.special_ids), device=real.device, dtype=inputs["input_ids"].dtype)
    plain = real & ~torch.isin(inputs["input_ids"], special)
    chosen = torch.where(plain.any(dim=1, keepdim=True), plain, real)
    places = torch.arange(real.shape[1], device=real.device).expand_as(real)
    return places.masked_fill(~chosen, -1).amax(dim=1)


def at_next(
    model: Model, inputs: Mapping[str, Tensor], of: Callable[[Tensor], Tensor]
) -> tuple[dict[str, Tensor], Callable[[Any], Tensor]]:
    """What to run, and `of` applied to the next-token logits (batch, vocabulary) of its output: for `gradients`.

    The logits of all tokens are the largest array of a pass, and all but one row's worth of them is not looked at.
    Where the model can, it is asked for those of the positions that some row needs.
    """
    model.check_predicts_words()
    last = last_positions(model, inputs)
    rows = torch.arange(len(last), device=last.device)
    places, column = torch.unique(last, return_inverse=True)
    tokens = inputs["input_ids"].shape[1]
    wanted = dict(inputs)
    if "logits_to_keep" in inspect.signature(model.network.forward).parameters:
        wanted["logits_to_keep"] = places

    def scalar(output: Any) -> Tensor:
        logits = output.logits
        # Some models take the argument and give all logits all the same.
        return of(logits[rows, last if logits.shape[1] == tokens else column])

    return wanted, scalar
