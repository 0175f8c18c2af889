"""Which features are on in a text that somebody typed: token by token."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.dictionaries.index.blocks import site_of
from core.dictionaries.stream import kept_mask
from core.errors import UserError

if TYPE_CHECKING:
    from core.dictionaries.dictionary import Dictionary
    from core.models import Model

MAX_LENGTH = 512
CODES = 1 << 22  # that are computed at once: of many features all tokens would take hundreds of megabytes


@dataclass(frozen=True)
class ActiveFeature:
    """A feature in a text. strongest: its largest code (by size, where codes are signed), at token `position`. tokens:
    on how many it is on. total: sum of its codes. density: its share of an index's tokens, None without an index."""

    feature: int
    strongest: float
    position: int
    tokens: int
    total: float
    density: float | None

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class ActiveText:
    """A text of T tokens. pieces: their texts. kept: (T,) on which the dictionary is meaningful; the others (first and
    special tokens, sinks) have no codes. rows, features, values: (c,) all codes that are not 0: at which token, of
    which feature, how large; token after token. cut: tokens left out at the end."""

    pieces: tuple[str, ...]
    ids: tuple[int, ...]
    kept: NDArray[np.bool_]
    rows: NDArray[np.int64]
    features: NDArray[np.int64]
    values: NDArray[np.float32]
    cut: int

    def codes_of(self, feature: int) -> NDArray[np.float32]:
        """(T,) codes of one feature; NaN where the dictionary reads nothing."""
        found = np.where(self.kept, np.float32(0), np.float32(np.nan))
        own = self.features == feature
        found[self.rows[own]] = self.values[own]
        return found

    def at(self, position: int, density: NDArray | None = None, most: float = 1.0) -> list[tuple[int, float]]:
        """(feature, code) at one token, the largest in size first. density, most: leave out features that are on at a
        larger share of an index's tokens."""
        own = np.flatnonzero(self.rows == position)
        if density is not None:
            own = own[density[self.features[own]] <= most]
        own = own[np.argsort(-np.abs(self.values[own]), kind="stable")]
        return [(int(self.features[place]), float(self.values[place])) for place in own]

    def strongest(self, density: NDArray | None = None, most: float = 1.0) -> list[ActiveFeature]:
        """All features that are on somewhere, the strongest first. density, most: as in `at`."""
        found = []
        order = np.lexsort((self.rows, -np.abs(self.values), self.features))
        features, values, rows = self.features[order], self.values[order], self.rows[order]
        bounds = np.flatnonzero(np.diff(features, prepend=-1, append=-1))
        for start, end in pairwise(bounds.tolist()):
            feature = int(features[start])
            share = None if density is None else float(density[feature])
            if share is None or share <= most:
                total = float(values[start:end].sum(dtype=np.float64))
                strongest, at = float(values[start]), int(rows[start])
                found.append(ActiveFeature(feature, strongest, at, int(end - start), total, share))
        return sorted(found, key=lambda one: (-abs(one.strongest), one.feature))


@torch.no_grad()
def active_in(model: Model, dictionary: Dictionary, text: str, *, max_length: int = MAX_LENGTH) -> ActiveText:
    """The codes of a text; dictionary: bound to `model`. Raises UserError for a text without tokens."""
    from core.models import batch, record, text_pieces, tokenize

    site, coder = site_of(dictionary.card), dictionary.coder.to(model.device)
    if not text.strip():
        raise UserError("There is no text to read; type one.")
    (ids,) = tokenize(model, [text], max_length)
    (whole,) = tokenize(model, [text], None) if len(ids) == max_length else (ids,)
    inputs = batch(model, [ids])
    h = record(model, inputs, [site])[site]
    kept = kept_mask(model, inputs, h, dictionary.card.positions)[0]
    position, x = kept.nonzero()[:, 0], h[0][kept].float()
    rows, features, values = [], [], []
    step = max(1, CODES // coder.n_features)
    for first in range(0, len(x), step):
        codes = coder.encode(x[first : first + step])
        row, feature = codes.nonzero(as_tuple=True)
        rows.append(position[first + row])
        features.append(feature)
        values.append(codes[row, feature].float())
    return ActiveText(
        pieces=tuple(text_pieces(model, ids)),
        ids=tuple(ids),
        kept=kept.cpu().numpy(),
        rows=_joined(rows, position),
        features=_joined(features, position),
        values=_joined(values, x),
        cut=len(whole) - len(ids),
    )


def _joined(parts: list[Tensor], like: Tensor) -> NDArray[Any]:
    """All parts as one; nothing, of the kind of `like`, if no token is read."""
    return torch.cat([*parts, like.reshape(-1)[:0]]).cpu().numpy()
