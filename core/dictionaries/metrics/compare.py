"""Two dictionaries side by side: which features of one the other has as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.dictionaries.card import Card
from core.dictionaries.dictionary import Dictionary
from core.errors import UserError

CHUNK = 2048  # rows that are compared with all others at once
LEVELS = (0.7, 0.9)
STREAM = {"before", "after"}  # kinds of sites that are the residual stream


@dataclass(frozen=True, eq=False)
class Matches:
    """best: (n,) feature of the other dictionary whose direction is nearest to each feature's. cosine: (n,) how near,
    -1 to 1. mutual: (n,) whether that one's nearest is this one again."""

    best: np.ndarray
    cosine: np.ndarray
    mutual: np.ndarray


@dataclass(frozen=True, eq=False)
class Comparison:
    """one, other: matches of the features of each in the other. chance: mean of the largest cosine that features of the
    first have with as many random directions as the other has features; what no agreement would look like."""

    one: Matches
    other: Matches
    chance: float

    def to_json(self) -> dict[str, object]:
        return {
            **{side: _summary(matches) for side, matches in (("first", self.one), ("second", self.other))},
            "mutual": int(self.one.mutual.sum()),
            "chance": self.chance,
        }


def compare(one: Dictionary, other: Dictionary, *, seed: int = 0) -> Comparison:
    """Match features by the cosine of what they write. Raises UserError if the two write into different places (see
    `why_not`).

    Rows that are all zero match nothing (cosine 0).
    """
    if said := why_not(one.name, one.card, other.name, other.card):
        raise UserError(said)
    a, b = _unit(one.coder.written), _unit(other.coder.written)
    if a.shape[1] != b.shape[1]:
        raise UserError(
            f"{one.name!r} writes vectors of width {a.shape[1]} and {other.name!r} of width {b.shape[1]}: they cannot"
            " be compared."
        )
    first, second = _nearest(a, b), _nearest(b, a)
    noise = torch.randn(b.shape, generator=torch.Generator().manual_seed(seed))
    chance = _nearest(a, _unit(noise))[1].mean()
    return Comparison(_matches(first, second), _matches(second, first), float(chance))


def why_not(name: str, card: Card, other: str, others: Card) -> str | None:
    """A sentence on why two dictionaries cannot be compared: another model, or another place into which they write.

    The stream is one place at all layers, since every block adds to what the one before it left. None where they can
    be, and where a card does not say, as before a dictionary is bound to a model.
    """
    prints = card.model_fingerprint, others.model_fingerprint
    if all(prints) and prints[0] != prints[1]:
        models = (
            f"{name!r} is of {card.model_id} ({prints[0][:8]}) and {other!r} of {others.model_id} ({prints[1][:8]})"
        )
        return f"{models}: what features write cannot be compared between models."
    one, two = card.writes_to, others.writes_to
    if one is None or two is None or str(one) == str(two) or {one.kind, two.kind} <= STREAM:
        return None
    return f"{name!r} writes into {one} and {other!r} into {two}: they cannot be compared."


def _unit(rows: Tensor) -> Tensor:
    rows = rows.detach().float().cpu()
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-30)


def _nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    found = [(part @ others.T).max(dim=1) for part in rows.split(CHUNK)]
    return torch.cat([one.indices for one in found]), torch.cat([one.values for one in found])


def _matches(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> Matches:
    mutual = theirs[0][ours[0]] == torch.arange(len(ours[0]))
    return Matches(ours[0].numpy(), ours[1].numpy(), mutual.numpy())


def _summary(matches: Matches) -> dict[str, float]:
    return {
        "features": len(matches.cosine),
        "mean_cosine": float(matches.cosine.mean()),
        **{f"above_{level}": float((matches.cosine > level).mean()) for level in LEVELS},
    }
