"""A closer look at a text that was written: how surprising each token was, and what could have stood in its place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from core.models.model import Model
from core.steering.guarding import Guards, guards_of, next_token_logits
from core.steering.interventions import Intervention


@dataclass(frozen=True)
class Alternative:
    """A token that could have been next. plain, steered: its probability, 0-1, without and with the push, in the same
    context and before temperature, top-p and penalties."""

    token: int
    text: str
    plain: float
    steered: float


@dataclass(frozen=True)
class Seen:
    """One written token. surprise, plain_surprise: bits, 0 or more, -log2 of its probability with and without the
    push. kl: nats, of the steered next-token distribution from the plain one at its place. alternatives: the
    likeliest, with or without the push, by the larger of the two probabilities."""

    token: int
    text: str
    surprise: float
    plain_surprise: float
    kl: float
    alternatives: tuple[Alternative, ...]


def look(
    model: Model,
    ids: Sequence[int],
    written: Sequence[int],
    interventions: Sequence[Intervention],
    *,
    top: int = 8,
    targets: Sequence[int] = (),
) -> tuple[list[Seen], Guards]:
    """Every written token, and the guards of the whole text. ids: of the prompt. targets: tokens that are watched."""
    if not written:
        return [], guards_of(None, None, written, targets)
    text, lengths = [[*ids, *written]], [len(ids)]
    (plain,) = next_token_logits(model, text, lengths, [[]])
    (steered,) = next_token_logits(model, text, lengths, [list(interventions)])
    p, q = plain.double().log_softmax(-1), steered.double().log_softmax(-1)
    kl = (q.exp() * (q - p)).nan_to_num(0.0).sum(-1)
    pieces = pieces_of(model, written)
    seen = [
        Seen(
            token=token,
            text=pieces[place],
            surprise=_bits(q[place, token]),
            plain_surprise=_bits(p[place, token]),
            kl=max(0.0, float(kl[place])),
            alternatives=_alternatives(model, p[place].exp(), q[place].exp(), token, top),
        )
        for place, token in enumerate(written)
    ]
    return seen, guards_of(plain, steered, written, targets)


def pieces_of(model: Model, ids: Sequence[int]) -> list[str]:
    """The text of each token by itself; a token that is a part of a character gives the replacement character."""
    return [str(model.tokenizer.decode([token])) for token in ids]


def _alternatives(model: Model, p: Tensor, q: Tensor, chosen: int, top: int) -> tuple[Alternative, ...]:
    n = min(top, len(p))
    wanted = dict.fromkeys([*q.topk(n).indices.tolist(), *p.topk(n).indices.tolist(), chosen])
    order = sorted(wanted, key=lambda token: (token != chosen, -max(float(p[token]), float(q[token]))))[: n + 1]
    found = [Alternative(t, str(model.tokenizer.decode([t])), float(p[t]), float(q[t])) for t in order]
    return tuple(sorted(found, key=lambda one: -max(one.plain, one.steered)))


def _bits(log_probability: Tensor) -> float:
    return max(0.0, -float(log_probability) / math.log(2))
