"""Running a recipe: the plain and the steered text from one batch, and on which tokens each intervention acted."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from core.models.model import Model
from core.steering.ready import Ready
from core.steering.sharing import Waiting, share

PLAIN, STEERED = 0, 1


@dataclass(frozen=True)
class Moment:
    """A run after some token.

    tokens: ids written so far, plain and steered. ended: by itself. fired: per intervention, for each token of the
    prompt and of the steered text that was read so far, whether it acted there; the last token written is read with
    the next. ahead: how many runs of others stand before this one in the queue; None for one that is being written.
    others: how many other runs are being written in the same tokens.
    """

    tokens: tuple[tuple[int, ...], tuple[int, ...]]
    ended: tuple[bool, bool]
    fired: tuple[tuple[bool, ...], ...]
    ahead: int | None = None
    others: int = 0


def play(model: Model, ready: Ready) -> Generator[Moment, None, None]:
    """Write both texts, yielding after every token. Both draw the same random numbers.

    What other threads play with this model meanwhile is written in the same batch. While there is no room, or a token
    is long in coming, the last moment is given again several times a second.
    """
    interventions = ready.interventions
    tokens: tuple[list[int], list[int]] = ([], [])
    ended = [False, False]
    fired: list[list[bool]] = [[] for _ in interventions]
    others = 0
    with closing(share(model, [ready.ids, ready.ids], [[], interventions], ready.recipe.decoding)) as steps:
        for step in steps:
            if not isinstance(step, Waiting):
                others = step.together - 1
                for own, now in zip(fired, step.fired[STEERED], strict=True):
                    own.extend(now.tolist())
                for row, token in enumerate(step.tokens):
                    if token is None:
                        ended[row] = True
                    else:
                        tokens[row].append(token)
            yield Moment(
                (tuple(tokens[0]), tuple(tokens[1])),
                (ended[0], ended[1]),
                tuple(tuple(own) for own in fired),
                step.ahead if isinstance(step, Waiting) else None,
                others,
            )


def first_difference(one: tuple[int, ...], two: tuple[int, ...]) -> int | None:
    """Place of the first token at which two texts part; None while one is the beginning of the other."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((place for place, (a, b) in pairs if a != b), None)
