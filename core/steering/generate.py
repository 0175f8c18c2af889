"""Token by token generation of a batch in which every row has interventions of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import UserError
from core.models.model import Model
from core.steering.decoding import Decoding
from core.steering.interventions import Intervention
from core.steering.underway import NOT_A_NUMBER, Line, Told, begin


@dataclass(frozen=True)
class Step:
    """One token for every row.

    tokens: id per row, None for a row that has ended. fired: for each row, boolean (its interventions, tokens of this
    pass): on which of the tokens just processed each of them acted; of no tokens for a row that has ended. start:
    absolute position of the first of these tokens, counted with padding. logits: (batch, vocabulary) float32, what the
    model gave for these tokens before temperature and penalties, NaN for a row that has ended; None unless it was
    asked for. together: how many runs, this one included, are being written with the model at once.
    """

    tokens: tuple[int | None, ...]
    fired: tuple[Tensor, ...]
    start: int
    logits: Tensor | None = None
    together: int = 1


def stream(
    model: Model,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Intervention]],
    decoding: Decoding,
    *,
    seeds: Sequence[int] | None = None,
    logits: bool = False,
) -> Iterator[Step]:
    """Generate for all rows at once, yielding after each token step.

    prompts: token ids per row. rows: interventions per row; an empty list leaves a row plain. seeds: of each
    row's own random numbers (default: `decoding.seed` for all), so that what a row samples does not depend on
    its neighbours, and a plain and a steered row with one seed draw the same numbers. logits: give them with each step.

    The model's lock is held only while a token is computed: between tokens other threads have their turn, and
    abandoning the iterator leaves nothing on the model. Ends when every row has ended or has its tokens.
    """
    batch = begin(model, prompts, rows, decoding, seeds=seeds)
    lines = batch.lines
    while batch.lines:
        yield step_of(lines, batch.step(), logits=logits)


def step_of(lines: Sequence[Line], told: Sequence[Told], *, logits: bool = False, together: int = 1) -> Step:
    """What was told of these lines. Raises UserError where one of them has no next token."""
    by_line = {id(one.line): one for one in told}
    found = [by_line.get(id(line)) for line in lines]
    some = next(one for one in found if one is not None)
    if any(one is not None and one.token is None for one in found):
        raise UserError(NOT_A_NUMBER)
    nothing = [torch.zeros(len(line.interventions), 0, dtype=torch.bool) for line in lines]
    return Step(
        tokens=tuple(None if one is None else one.token for one in found),
        fired=tuple(none if one is None else one.fired for one, none in zip(found, nothing, strict=True)),
        start=some.start,
        logits=_logits(found) if logits else None,
        together=together,
    )


def _logits(found: Sequence[Told | None]) -> Tensor:
    some = next(one.logits for one in found if one is not None)
    # Cloned outside of inference mode, so that whoever gets them may do with them as with any tensor.
    return torch.stack([torch.full_like(some, torch.nan) if one is None else one.logits for one in found]).clone()
