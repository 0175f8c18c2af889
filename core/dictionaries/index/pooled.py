"""Codes of whole texts: of each feature the largest, the mean over a text's tokens, or that at the last one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from core import workspace
from core.activations import read_arrays, write_arrays
from core.activations.recipe import corpus_hash
from core.dictionaries.index.blocks import FromModel
from core.dictionaries.index.chunk import chunks
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.dictionaries.dictionary import Dictionary
    from core.models import Model

Pool = Literal["max", "mean", "last"]
POOLS: tuple[Pool, ...] = ("max", "mean", "last")
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Pooled:
    """Codes of n texts, those that are 0 left out, feature after feature. starts: (m + 1,) where each feature's begin.
    rows, values: (c,). means: (n, d_in) mean activation of each text, or that of its last token for codes of last
    tokens; NaN for a text without a token that is read."""

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float32]
    means: NDArray[np.float32]

    @property
    def n_features(self) -> int:
        return len(self.starts) - 1

    @property
    def n_texts(self) -> int:
        return len(self.means)

    @property
    def on_in(self) -> NDArray[np.int64]:
        """(m,) texts in which each feature is on."""
        return np.diff(self.starts)

    @cached_property
    def features(self) -> NDArray[np.int64]:
        """(c,) the feature of each code."""
        return np.repeat(np.arange(self.n_features), self.on_in)

    def sums(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m,) of each feature the sum of its codes times the weights (n,) of the texts."""
        terms = self.values * weights[self.rows]
        return np.bincount(self.features, weights=terms, minlength=self.n_features).astype(np.float64)

    def of(self, features: NDArray[np.integer] | range) -> NDArray[np.float32]:
        """(k, n) codes of some features."""
        found = np.zeros((len(features), self.n_texts), dtype=np.float32)
        for place, feature in enumerate(features):
            part = slice(self.starts[feature], self.starts[feature + 1])
            found[place, self.rows[part]] = self.values[part]
        return found


@torch.no_grad()
def pooled_codes(
    model: Model,
    dictionary: Dictionary,
    texts: Sequence[str],
    *,
    pool: Pool = "max",
    max_length: int = 256,
    progress: Listener = silent,
) -> Pooled:
    """Codes of `texts` by `dictionary` (bound to `model`), over the tokens that it reads; kept in the workspace."""
    key = workspace.digest(
        {
            "what": "pooled codes",
            "format": FORMAT,
            "dictionary": dictionary.key,
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "texts": corpus_hash(texts),
            "max_length": max_length,
            "pool": pool,
        }
    )
    known = read_arrays(key)
    if known is None:
        known = _computed(model, dictionary, texts, pool, max_length, progress)
        write_arrays(key, known)
    return Pooled(known["starts"], known["rows"], known["values"], known["means"])


def _computed(
    model: Model, dictionary: Dictionary, texts: Sequence[str], pool: Pool, max_length: int, progress: Listener
) -> dict[str, NDArray]:
    coder, blocks = dictionary.coder.to(model.device), FromModel(model, dictionary.card, texts, max_length)
    means = np.full((len(texts), coder.d_in), np.nan, dtype=np.float32)
    rows: list[NDArray] = []
    features: list[NDArray] = []
    values: list[NDArray] = []
    for number in range(blocks.count):
        for read in blocks.read(number):
            for chunk in chunks(read, coder):
                bounds = chunk.read.bounds.tolist()
                for text, a, b in zip(chunk.read.texts.tolist(), bounds[:-1], bounds[1:], strict=True):
                    if b == a:
                        continue
                    own, x = chunk.codes[a:b], chunk.read.x[a:b]
                    code = own[-1] if pool == "last" else own.amax(dim=0) if pool == "max" else own.mean(dim=0)
                    means[text] = (x[-1] if pool == "last" else x.float().mean(dim=0)).float().cpu().numpy()
                    on = code.nonzero()[:, 0]
                    features.append(on.cpu().numpy())
                    values.append(code[on].float().cpu().numpy())
                    rows.append(np.full(len(on), text, dtype=np.int32))
        progress(Progress(blocks.texts_of(number).stop, len(texts), "texts", f"reading with {dictionary.name}"))
    every = np.concatenate([np.zeros(0, dtype=np.int64), *features])
    row = np.concatenate([np.zeros(0, dtype=np.int32), *rows])
    order = np.lexsort((row, every))
    starts = np.searchsorted(every[order], np.arange(coder.n_features + 1))
    value = np.concatenate([np.zeros(0, dtype=np.float32), *values])
    return {"starts": starts, "rows": row[order], "values": value[order], "means": means}
