"""Reading a text token by token with a probe or a direction, at one layer or at many.

A probe is fitted on one activation per text; along the tokens of a text it gives one score for each. What such a score
says depends on how scores of single tokens spread, which is much wider than scores of texts do: a text's score is the
mean of its tokens'. So a token's score is counted from the middle between the classes, in standard deviations of
tokens within a class; and beside it stands how many of these the classes' tokens lie apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.activations import Pool
from core.activations.sinks import SINK_RATIO
from core.errors import UserError
from core.models import Site
from core.probing.platt import Platt

if TYPE_CHECKING:
    from core.models import Model

MAX_LENGTH = 512
MASKS = {
    "": "read",
    "first": "first token: it serves the model as a resting place for attention, and no probe is trained on it",
    "special": "special token: it marks a turn or an end, and no probe is trained on it",
    "sink": "sink: its activation is more than 5 times as long as those around it, and no probe is trained on such",
}


@dataclass(frozen=True, eq=False)
class Reader:
    """A probe or direction at one site, with what its scores are compared with.

    score = (activation - centre) @ vector; vector, centre: (d,) float64. middle, spread: score of a token midway
    between the classes, and standard deviation of tokens' scores within a class; for a direction without examples
    those of tokens of ordinary texts. separation: by how many spreads the tokens of positives lie above those of
    negatives in texts that the probe was not fitted on, None without classes. platt: from the score of a whole text,
    pooled by `pool`, to a probability. length: of a typical row of the examples, to which one that is a sink is
    shortened, as theirs were; None: no row is.
    """

    site: Site
    vector: np.ndarray
    centre: np.ndarray
    middle: float
    spread: float
    separation: float | None
    pool: Pool
    platt: Platt | None
    length: float | None = None

    @property
    def layer(self) -> int:
        return self.site.layer


@dataclass(frozen=True, eq=False)
class TokenReading:
    """L readers by T tokens. pieces: the text of each token. cut: tokens of the text that were left out at its end.

    scores: (L, T) raw. z: (L, T) in spreads from the middle. masks: (L, T), a key of MASKS: "" for tokens that count.
    text_z: (L,) the same for the whole text. probability: (L,) 0-1 of the whole text, NaN where none is known.
    """

    readers: tuple[Reader, ...]
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    cut: int
    scores: np.ndarray
    z: np.ndarray
    masks: np.ndarray
    text_z: np.ndarray
    probability: np.ndarray


def read_tokens(model: Model, text: str, readers: Sequence[Reader], *, max_length: int = MAX_LENGTH) -> TokenReading:
    """Every token of `text` with each reader, from one forward pass.

    Raises UserError for an empty text, and for one of which no token counts.
    """
    from core.activations.pooling import kept_tokens  # all that opens torch, which takes seconds
    from core.models import batch, counted_positions, record, text_pieces, tokenize

    if not text.strip():
        raise UserError("The text is empty; write at least two words.")
    (whole,) = tokenize(model, [text], None)
    longest = min(max_length, model.context_length or max_length)
    ids = whole[:longest]
    inputs = batch(model, [ids])
    streams = record(model, inputs, [reader.site for reader in readers])
    counted = counted_positions(model, inputs)
    masks = np.array([_masks(model, ids, kept_tokens(streams[r.site], counted, keep_sinks=False)[0]) for r in readers])
    if not (masks == "").any(axis=1).all():
        raise UserError("No token of this text counts: the first one and special ones are left out; write more words.")
    activations = [streams[reader.site][0].float().cpu().numpy().astype(np.float64) for reader in readers]
    scores = np.stack([(h - reader.centre) @ reader.vector for reader, h in zip(readers, activations, strict=True)])
    pooled = np.array([_pooled(r, h[mask == ""]) for r, h, mask in zip(readers, activations, masks, strict=True)])
    middle, spread = (np.array([getattr(reader, name) for reader in readers]) for name in ("middle", "spread"))
    known = [np.nan if r.platt is None else float(r.platt.probability(s)) for r, s in zip(readers, pooled, strict=True)]
    return TokenReading(
        readers=tuple(readers),
        ids=tuple(ids),
        pieces=tuple(text_pieces(model, ids)),
        cut=len(whole) - len(ids),
        scores=scores,
        z=(scores - middle[:, None]) / spread[:, None],
        masks=masks,
        text_z=(pooled - middle) / spread,
        probability=np.array(known),
    )


def _pooled(reader: Reader, h: np.ndarray) -> float:
    """The score of a whole text from its tokens that count, (t, d), which is that of a row of the examples."""
    row = h[-1] if reader.pool == "last" else h.mean(axis=0)
    length = float(np.linalg.norm(row))
    if reader.length is not None and length > SINK_RATIO * reader.length:
        row = row * (reader.length / length)
    return float((row - reader.centre) @ reader.vector)


def _masks(model: Model, ids: Sequence[int], kept: object) -> list[str]:
    """Why each token does not count, "" if it does."""
    reasons = []
    for place, (id, counts) in enumerate(zip(ids, np.asarray(kept), strict=True)):
        why = "first" if place == 0 else "special" if id in model.special_ids else "sink"
        reasons.append("" if counts else "special" if id in model.special_ids else why)
    return reasons
