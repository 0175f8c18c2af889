"""Texts, as TCAV reads them in a language model or a classifier of texts.

What names a result is told without torch; it is imported where a model reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations.recipe import corpus_hash, make_recipe
from core.examples import reference_texts
from core.models import Site
from core.progress import Listener
from core.tcav.reader import Reading
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import Model
    from core.tcav.gradients import Gradients


@dataclass(frozen=True, eq=False)
class TextReader:
    """See Reader."""

    model: Model
    reading: Reading

    def corpus(self, items: Sequence[Any]) -> str:
        return corpus_hash(items)

    def identity(self) -> dict[str, Any]:
        model = self.model
        return {
            "model": [model.fingerprint, model.device_type, model.dtype_name],
            "pool": self.reading.pool,
            "max_length": self.reading.max_length,
        }

    def longer(self, items: Sequence[Any]) -> int:
        from core.models import tokenize

        lengths = zip(
            tokenize(self.model, items, self.reading.max_length), tokenize(self.model, items, None), strict=True
        )
        return sum(len(read) < len(whole) for read, whole in lengths)

    def keys(self, items: Sequence[Any], sites: Sequence[Site]) -> list[str]:
        corpus, reading = corpus_hash(items), self.reading
        return [
            make_recipe(
                self.model,
                site,
                items,
                pool=reading.pool,
                all_positions=False,
                max_length=reading.max_length,
                corpus=corpus,
            ).key
            for site in sites
        ]

    def record(self, items: Sequence[Any], sites: Sequence[Site], progress: Listener) -> list[np.ndarray]:
        from core.activations import record_texts

        pool, max_length = self.reading.pool, self.reading.max_length
        stores = record_texts(self.model, items, sites, pool=pool, max_length=max_length, progress=progress)
        return [store.load() for store in stores]

    def sink_norms(self, sites: Sequence[Site], progress: Listener) -> list[float]:
        from core.activations import typical_norms

        norms = typical_norms(self.model, sites, progress=progress)
        return [norms[site].median for site in sites]

    def typical_norm(self, site: Site, progress: Listener) -> float:
        from core.activations import typical_norm

        return typical_norm(self.model, site, progress=progress).median

    def reference(self, sites: Sequence[Site], progress: Listener) -> tuple[Sequence[Any], list[np.ndarray]]:
        from core.activations import record_texts
        from core.activations.reference import LENGTH

        texts = reference_texts()
        pool = self.reading.pool
        stores = record_texts(self.model, texts, sites, pool=pool, max_length=LENGTH, progress=progress)
        return texts, [store.load() for store in stores]

    def gradients(self, target: Target, items: Sequence[Any], sites: Sequence[Site], progress: Listener) -> Gradients:
        from core.tcav.gradients import target_gradients

        pool, max_length = self.reading.pool, self.reading.max_length
        return target_gradients(self.model, target, items, sites, pool=pool, max_length=max_length, progress=progress)

    def pushed(
        self, target: Target, items: Sequence[Any], site: Site, moves: np.ndarray, progress: Listener
    ) -> np.ndarray:
        from core.tcav.pushing import pushed_values

        pool, max_length = self.reading.pool, self.reading.max_length
        return pushed_values(
            self.model, target, items, site, moves, pool=pool, max_length=max_length, progress=progress
        )
