"""How well a label in free words tells a feature's tokens from others: by meaning, not by the words that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import lots
from core.dictionaries.index.detection import FEWEST, Detected, makes_labels
from core.dictionaries.index.feature import around_tokens
from core.dictionaries.index.index import Index
from core.errors import UserError
from core.stats.auroc import auroc

if TYPE_CHECKING:
    from core.models import Model

POSITIVES, NEGATIVES = 24, 72  # windows that are embedded: about a second on a processor


def score_by_meaning(index: Index, model: Model, feature: int, label: str) -> Detected | None:
    """AUROC, 0.5 is chance, of telling windows in which a feature is on from others by their likeness to `label`.

    Windows of tokens on which the feature is on, drawn evenly, against windows around random tokens on which it is off;
    a window's score is the cosine of its meaning with the label's, by the bundled sentence embedder. A label that names
    a single word or mark fares badly here, since the embedder reads whole windows. Only windows of texts that make no
    labels, and of which no example is shown on the feature's card: whoever wrote the label, a person who looked at the
    card or a language model that was asked, has not seen them. None where there are fewer than three windows of either.
    Raises UserError for an empty label and if the embedder is not installed.
    """
    from core.models import embed

    index.check(feature)
    if not label.strip():
        raise UserError("There is no label to test; type one.")
    seen = makes_labels(index)
    shown_on_card = index.columns["example_text"][feature]
    seen[shown_on_card[shown_on_card >= 0]] = True
    on, off = (
        [place for place in places if not seen[place[0]]][:most]
        for places, most in ((_on(index, feature), POSITIVES), (_off(index, feature), NEGATIVES))
    )
    shown = ["".join(pieces) for pieces, _ in around_tokens(index, model, [*on, *off])]
    labels = np.array([1] * len(on) + [0] * len(off))
    kept = np.array([bool(text.strip()) for text in shown], dtype=bool)
    labels = labels[kept]
    if min((labels == 1).sum(), (labels == 0).sum()) < FEWEST:
        return None
    vectors = embed([label, *(text for text, keep in zip(shown, kept, strict=True) if keep)])
    cosines = vectors[1:] @ vectors[0]
    return Detected(auroc(labels, cosines), int(labels.sum()), int((1 - labels).sum()))


def _on(index: Index, feature: int) -> list[tuple[int, int]]:
    texts, positions = (index.columns[f"sample_{name}"][feature] for name in ("text", "position"))
    return [(int(text), int(position)) for text, position in zip(texts, positions, strict=True) if text >= 0]


def _off(index: Index, feature: int) -> list[tuple[int, int]]:
    """Sampled tokens on which a feature is off, in an order of the index's own."""
    columns = index.columns
    token = np.repeat(np.arange(len(columns["seen_size"])), columns["seen_size"])
    on: NDArray = token[columns["seen_feature"] == feature]
    others = np.setdiff1d(np.arange(len(columns["seen_size"])), on)
    texts, positions = columns["seen_text"][others], columns["seen_position"][others]
    order = np.argsort(lots(texts, positions, 2, index.settings.seed))
    return list(zip(texts[order].tolist(), positions[order].tolist(), strict=True))
