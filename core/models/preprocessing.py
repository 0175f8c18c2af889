"""From an image to the pixels that a network takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from core.errors import UserError

Pixels = NDArray[np.uint8]  # (height, width, 3)

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
LARGEST = 4096  # pixels along an edge of what a network takes
STRIP = 16  # images longer than so many times their shorter edge lose their ends before they are resized


@dataclass(frozen=True)
class Preprocessing:
    """Resize, crop the centre, then (value * scale - mean) / std for each channel.

    resize: (height, width) that the image is stretched to, or the length of its shorter edge, or None. crop:
    (height, width) of the centre that is kept, black where the image is smaller, or None. resample: a key of
    RESAMPLING. scale: what a value of 0 to 255 is multiplied by. mean, std: for red, green and blue, after scaling.
    channels: the order in which the network takes them.

    Raises UserError for values that no network can mean, and where images of different shapes would come out.
    """

    resize: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resample: str = "bilinear"
    scale: float = 1 / 255
    channels: Literal["RGB", "BGR"] = "RGB"

    def __post_init__(self) -> None:
        edges = [*(self.crop or ()), *(self.resize if isinstance(self.resize, tuple) else (self.resize or 1,))]
        if not all(1 <= edge <= LARGEST for edge in edges):
            raise UserError(f"Images cannot be made {edges} pixels large; use 1 to {LARGEST}.")
        if self.crop is None and not isinstance(self.resize, tuple):
            raise UserError("This preprocessing leaves images of different shapes; give a crop, or height and width.")
        if not all(value > 0 for value in (self.scale, *self.std)):
            raise UserError(f"Pixels cannot be divided by a deviation of {self.std}; use numbers above 0.")
        if self.resample not in RESAMPLING:
            raise UserError(f"There is no resampling {self.resample!r}; there are {', '.join(RESAMPLING)}.")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what the network gets."""
        size = self.crop or self.resize
        assert isinstance(size, tuple)
        return size

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def framed(self, image: Pixels) -> Pixels:
        """The image resized and cropped, (*size, 3): what the network is shown, for people to see."""
        wanted = self.resize
        if isinstance(wanted, int):
            # Of a strip the ends are cropped away anyway: a line of pixels shall not become a gigantic image.
            short = min(image.shape[:2])
            image = _centre(image, *(min(edge, STRIP * short) for edge in image.shape[:2]))
        height, width = image.shape[:2]
        if isinstance(wanted, int):
            # The longer edge is cut down to a whole number, as transformers does.
            short, long = min(height, width), max(height, width)
            other = max(1, int(wanted * long / short))
            wanted = (wanted, other) if height <= width else (other, wanted)
        if wanted is not None and wanted != (height, width):
            tall, wide = wanted
            image = np.asarray(Image.fromarray(image).resize((wide, tall), RESAMPLING[self.resample]))
        return image if self.crop is None else _centre(image, *self.crop)

    def pixels(self, images: Iterable[Pixels]) -> Tensor:
        """(batch, 3, *size) float32 of images (height, width, 3) uint8 of any size.

        They are taken one by one, so that of those that are loaded as they are asked for one is held at a time.
        """
        batch = np.stack([self.framed(image).copy() for image in images])  # what is only cropped is a view of the whole
        values = torch.from_numpy(batch).permute(0, 3, 1, 2).to(torch.float32) * self.scale
        mean, std = (torch.tensor(of, dtype=torch.float32).view(1, 3, 1, 1) for of in (self.mean, self.std))
        values = (values - mean) / std
        return (values if self.channels == "RGB" else values.flip(1)).contiguous()


def _centre(image: Pixels, tall: int, wide: int) -> Pixels:
    height, width = image.shape[:2]
    if (tall, wide) == (height, width):
        return image
    framed = np.zeros((max(tall, height), max(wide, width), 3), dtype=np.uint8)
    # An odd pixel over goes as it does in transformers: padding rounds up, cropping rounds down.
    top, left = -(-(framed.shape[0] - height) // 2), -(-(framed.shape[1] - width) // 2)
    framed[top : top + height, left : left + width] = image
    top, left = (framed.shape[0] - tall) // 2, (framed.shape[1] - wide) // 2
    return framed[top : top + tall, left : left + wide]
