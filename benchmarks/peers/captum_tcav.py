"""Captum's TCAV on the work of benchmarks/tcav.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from captum.concept import TCAV, Classifier, Concept

from core.examples import Image
from core.models import ImageModel
from core.models.image_model import logits_of

if TYPE_CHECKING:
    from benchmarks.tcav import Work


class Captums:
    """Captum's TCAV, with a directory of its own."""

    def __init__(self, work: Work, layers: Sequence[int], target: str, batch: int, directory: Path) -> None:
        self.work = work
        maps = [work.model.maps[layer] for layer in layers]
        self.paths = [each.site.module for each in maps]
        widths = {int(np.prod(each.positions)) * each.width: each.width for each in maps}
        network = Logits(work.model)
        # Its layers are named inside what it is given.
        self.tcav = TCAV(
            network,
            [f"network.{path}" for path in self.paths],
            classifier=Difference(widths),
            save_path=str(directory),
        )
        self.concepts = {
            name: Concept(number, name.replace(" ", "_"), Batches(work.model, images, batch))
            for number, (name, images) in enumerate(work.sets.items())
        }
        self.number = work.model.class_number(target.partition(":")[2])

    def run(self, names: Sequence[str]) -> dict[str, Any]:
        pairs = [[self.concepts[name], self.concepts[random]] for name in names for random in self.work.random]
        inputs = self.work.model.prepare([image.load() for image in self.work.inputs])["pixel_values"]
        return dict(self.tcav.interpret(inputs, pairs, target=self.number))

    def record(self, name: str) -> None:
        self.tcav.generate_activation([f"network.{path}" for path in self.paths], self.concepts[name])


class Logits(torch.nn.Module):
    """The network as Captum wants it: pixels in, logits out."""

    def __init__(self, model: ImageModel) -> None:
        super().__init__()
        self.network = model.network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return logits_of(self.network(pixels))


class Batches:
    """What Captum calls a data iterator."""

    def __init__(self, model: ImageModel, images: Sequence[Image], size: int) -> None:
        self.model, self.images, self.size = model, images, size

    def __iter__(self) -> Iterator[torch.Tensor]:
        for start in range(0, len(self.images), self.size):
            loaded = [image.load() for image in self.images[start : start + self.size]]
            yield self.model.prepare(loaded)["pixel_values"]


class Difference(Classifier):
    """Weights are the difference of the means over all positions, laid over the map again.

    widths: number of channels by the length of a flattened map.
    """

    def __init__(self, widths: dict[int, int]) -> None:
        self.widths = widths
        self.found, self.names = torch.empty(0), [0]

    def train_and_eval(self, dataloader: Any, **_: Any) -> None:
        sums: dict[int, torch.Tensor] = {}
        counts: dict[int, int] = {}
        size = 0
        for flat, labels in dataloader:
            size = flat.shape[1]
            rows = flat.reshape(len(flat), self.widths[size], -1).mean(dim=2)
            for label in labels.unique().tolist():
                own = rows[labels == label]
                sums[label] = sums.get(label, 0) + own.sum(dim=0)
                counts[label] = counts.get(label, 0) + len(own)
        self.names = sorted(sums)
        one, other = (sums[name] / counts[name] for name in self.names)
        difference = (one - other).repeat_interleave(size // self.widths[size])
        self.found = torch.stack([difference, -difference])

    def weights(self) -> torch.Tensor:
        return self.found

    def classes(self) -> list[int]:
        return self.names
