"""Images made of other images: random patches, crops and flips, and cut-outs laid over a background."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import PIL.Image

from core import workspace
from core.errors import UserError
from core.examples.decoding import ImageFile, cut_out
from core.examples.drawing import SIZE
from core.examples.drawn import SCENE, Drawn
from core.examples.images import Image, ImageExamples, Pixels, make_image_examples


@dataclass(frozen=True)
class Part:
    """A rectangle of another image, perhaps mirrored.

    box: top, left, height and width as shares of the whole, 0 to 1.
    """

    whole: Image
    box: tuple[float, float, float, float]
    mirrored: bool

    @property
    def name(self) -> str:
        return f"part of {self.whole.name}"

    @cached_property
    def digest(self) -> str:
        return workspace.digest(["part", self.whole.digest, list(self.box), self.mirrored])

    @property
    def content(self) -> str:
        return self.whole.content

    def load(self) -> Pixels:
        pixels = self.whole.load()
        height, width = pixels.shape[:2]
        top, left, tall, wide = self.box
        rows, columns = max(1, round(tall * height)), max(1, round(wide * width))
        first, start = min(round(top * height), height - rows), min(round(left * width), width - columns)
        part = pixels[first : first + rows, start : start + columns]
        return np.ascontiguousarray(part[:, ::-1] if self.mirrored else part)


@dataclass(frozen=True)
class Composite:
    """A cut-out, an image with transparent surroundings, over a drawn scene: the `number`th way of laying it there."""

    cutout: ImageFile
    number: int
    seed: int = 0

    @property
    def name(self) -> str:
        return f"{self.cutout.name} over scene {self.number}"

    @cached_property
    def digest(self) -> str:
        return workspace.digest(["composite", self.cutout.digest, self._ground.digest, self.number, self.seed, _code()])

    @property
    def content(self) -> str:
        return self.cutout.content

    @property
    def _ground(self) -> Drawn:
        # Other scenes than those which serve as negatives.
        return Drawn(SCENE, self.number, seed=1 + self.seed)

    def load(self) -> Pixels:
        rng = np.random.default_rng([self.seed, self.number])
        figure = PIL.Image.fromarray(cut_out(self.cutout.name, self.cutout.bytes()))
        if rng.uniform() < 0.5:
            figure = figure.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        figure = figure.rotate(rng.uniform(-12, 12), PIL.Image.Resampling.BICUBIC, expand=True)
        scale = rng.uniform(0.55, 0.95) * SIZE / max(figure.size)
        width, height = (max(1, round(edge * scale)) for edge in figure.size)
        figure = figure.resize((width, height), PIL.Image.Resampling.LANCZOS)
        ground = PIL.Image.fromarray(self._ground.load()).convert("RGBA")
        left, top = rng.integers(0, SIZE - width + 1), rng.integers(0, SIZE - height + 1)
        ground.alpha_composite(figure, (int(left), int(top)))
        return np.asarray(ground.convert("RGB"))


def random_patches(images: Sequence[Image], number: int, *, seed: int = 0) -> list[tuple[Part, int]]:
    """`number` square-ish patches of the images in turn, each with the place of its image: patches of one image are
    one group. A patch covers .2 to .7 of the shorter edge."""
    if not images:
        raise UserError("There is no image to take patches from.")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    return [
        (_part(rng, images[order[turn % len(images)]], (0.2, 0.7)), int(order[turn % len(images)]))
        for turn in range(number)
    ]


def with_crops(examples: ImageExamples, copies: int, *, seed: int = 0) -> ImageExamples:
    """Each image, and `copies` crops of it, half of them mirrored; all of these stay in the image's group.

    They steady the activations of few images. They are no new evidence: tests and intervals count groups.
    """
    if copies < 1:
        return examples
    rng = np.random.default_rng(seed)
    images: list[Image] = []
    for image in examples.images:
        images += [image, *(_part(rng, image, (0.6, 0.95)) for _ in range(copies))]
    repeated = np.repeat(np.arange(len(examples)), copies + 1)
    return make_image_examples(
        examples.id,
        examples.title,
        images,
        examples.labels[repeated].tolist(),
        source=examples.source,
        own_groups=[str(group) for group in examples.groups[repeated]],
        subgroups=None if examples.subgroups is None else [examples.subgroups[row] for row in repeated],
        names=(examples.negative_name, examples.positive_name),
        notes=[*examples.notes, f"{copies} crops of each image were added; they stay in its group."],
    )


def _part(rng: np.random.Generator, whole: Image, shares: tuple[float, float]) -> Part:
    tall, wide = rng.uniform(*shares, 2)
    top, left = rng.uniform(0, 1 - tall), rng.uniform(0, 1 - wide)
    return Part(whole, (float(top), float(left), float(tall), float(wide)), bool(rng.uniform() < 0.5))


@cache
def _code() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
