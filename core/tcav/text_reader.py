"""Texts, as TCAV reads them in a language model or a classifier of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import record_texts, typical_norm, typical_norms
from core.activations.recipe import corpus_hash, make_recipe
from core.activations.reference import LENGTH
from core.examples import reference_texts
from core.models import Model, Site
from core.progress import Listener
from core.tcav.gradients import Gradients, target_gradients
from core.tcav.pushing import pushed_values
from core.tcav.reader import Reading
from core.tcav.targets import Target


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
        pool, max_length = self.reading.pool, self.reading.max_length
        stores = record_texts(self.model, items, sites, pool=pool, max_length=max_length, progress=progress)
        return [store.load() for store in stores]

    def sink_norms(self, sites: Sequence[Site], progress: Listener) -> list[float]:
        norms = typical_norms(self.model, sites, progress=progress)
        return [norms[site].median for site in sites]

    def typical_norm(self, site: Site, progress: Listener) -> float:
        return typical_norm(self.model, site, progress=progress).median

    def reference(self, sites: Sequence[Site], progress: Listener) -> tuple[Sequence[Any], list[np.ndarray]]:
        texts = reference_texts()
        pool = self.reading.pool
        stores = record_texts(self.model, texts, sites, pool=pool, max_length=LENGTH, progress=progress)
        return texts, [store.load() for store in stores]

    def gradients(self, target: Target, items: Sequence[Any], sites: Sequence[Site], progress: Listener) -> Gradients:
        pool, max_length = self.reading.pool, self.reading.max_length
        return target_gradients(self.model, target, items, sites, pool=pool, max_length=max_length, progress=progress)

    def pushed(
        self, target: Target, items: Sequence[Any], site: Site, moves: np.ndarray, progress: Listener
    ) -> np.ndarray:
        pool, max_length = self.reading.pool, self.reading.max_length
        return pushed_values(
            self.model, target, items, site, moves, pool=pool, max_length=max_length, progress=progress
        )
