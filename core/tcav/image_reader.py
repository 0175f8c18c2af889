"""Images, as TCAV reads them in a classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import class_gradients, record_images
from core.activations.images import recipe_of
from core.activations.images_reference import typical_image_norms
from core.activations.recipe import corpus_hash
from core.examples.reference_images import reference_images
from core.models import ImageModel, Site
from core.progress import Listener
from core.tcav.gradients import Gradients
from core.tcav.pushing_images import pushed_values
from core.tcav.targets import Target, class_of


@dataclass(frozen=True, eq=False)
class ImageReader:
    """See Reader."""

    model: ImageModel

    def corpus(self, items: Sequence[Any]) -> str:
        return corpus_hash([image.digest for image in items])

    def identity(self) -> dict[str, Any]:
        model = self.model
        return {
            "model": [model.fingerprint, model.device.type, model.dtype_name],
            "preprocessing": json.dumps(model.preprocessing.as_json(), sort_keys=True),
            "reference": self.corpus(reference_images()),
        }

    def longer(self, items: Sequence[Any]) -> int:
        return 0

    def keys(self, items: Sequence[Any], sites: Sequence[Site]) -> list[str]:
        return [recipe_of(self.model, items, site).key for site in sites]

    def record(self, items: Sequence[Any], sites: Sequence[Site], progress: Listener) -> list[np.ndarray]:
        return [store.load() for store in record_images(self.model, items, sites, progress=progress)]

    def sink_norms(self, sites: Sequence[Site], progress: Listener) -> list[float]:
        # The mean over hundreds of positions is no sink, whatever one of them holds.
        del progress
        return [np.inf] * len(sites)

    def typical_norm(self, site: Site, progress: Listener) -> float:
        return typical_image_norms(self.model, [site], progress=progress)[site].median

    def reference(self, sites: Sequence[Site], progress: Listener) -> tuple[Sequence[Any], list[np.ndarray]]:
        images = reference_images()
        return images, self.record(images, sites, progress)

    def gradients(self, target: Target, items: Sequence[Any], sites: Sequence[Site], progress: Listener) -> Gradients:
        """A difference of logits has the difference of their gradients, so that each class is computed once."""
        asked = class_of(target)
        found = class_gradients(self.model, items, sites, asked.index, progress=progress)
        if asked.against is None:
            return Gradients(found.values, found.at)
        other = class_gradients(self.model, items, sites, asked.against, progress=progress)
        return Gradients(found.values - other.values, {site: found.at[site] - other.at[site] for site in sites})

    def pushed(
        self, target: Target, items: Sequence[Any], site: Site, moves: np.ndarray, progress: Listener
    ) -> np.ndarray:
        return pushed_values(self.model, target, items, site, moves, progress=progress)
