"""Many texts under many interventions: rows are put together into batches, whatever prompt or push they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.models.model import Model
from core.progress import Listener, Progress, silent
from core.steering.decoding import Decoding
from core.steering.generate import stream
from core.steering.interventions import Intervention

ROWS = 64  # texts written together: more hardly gains on a processor, and keys and values take memory


@dataclass(frozen=True, eq=False)
class Row:
    """One text to write. prompt: token ids. seed: of its own random numbers."""

    prompt: tuple[int, ...]
    interventions: tuple[Intervention, ...]
    seed: int = 0


@dataclass(frozen=True)
class Written:
    """What was written. tokens: ids, the end token included. ended: by itself."""

    tokens: tuple[int, ...]
    ended: bool


def write_all(model: Model, rows: Sequence[Row], decoding: Decoding, *, progress: Listener = silent) -> list[Written]:
    """One text per row, in their order. Prompts of like length share a batch, so that little is padded."""
    found: list[Written | None] = [None] * len(rows)
    done = 0
    for chunk in _chunks(rows):
        steps = stream(
            model,
            [rows[i].prompt for i in chunk],
            [rows[i].interventions for i in chunk],
            decoding,
            seeds=[rows[i].seed for i in chunk],
        )
        tokens: list[list[int]] = [[] for _ in chunk]
        ended = [False] * len(chunk)
        for number, step in enumerate(steps):
            for row, token in enumerate(step.tokens):
                if token is None:
                    ended[row] = True
                else:
                    tokens[row].append(token)
            share = len(chunk) * (number + 1) // decoding.max_new_tokens
            progress(Progress(done + share, len(rows), "texts", "writing"))
        done += len(chunk)
        for i, of_row, over in zip(chunk, tokens, ended, strict=True):
            found[i] = Written(tuple(of_row), over or len(of_row) < decoding.max_new_tokens)
    return [one for one in found if one is not None]


def _chunks(rows: Sequence[Row]) -> Iterator[list[int]]:
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].prompt))
    for start in range(0, len(order), ROWS):
        yield order[start : start + ROWS]
