"""A loaded network for images with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.class_names import find_class
from core.models.efficientnet_lite import ImageOutput
from core.models.feature_maps import FeatureMap, map_at
from core.models.loaded import Loaded
from core.models.preprocessing import Pixels, Preprocessing
from core.models.site import Site


@dataclass(eq=False, kw_only=True)
class ImageModel(Loaded):
    """A classifier of images: its layers, the names of its classes and its preprocessing.

    fingerprint: 24 hexadecimal digits over weights and config. What changes numbers beside it is `preprocessing`.
    maps: what each layer carries, in the order in which they run. notes: sentences about what was assumed. layout: of
    pixels in memory, the one in which the network is faster.

    `dataclasses.replace(model, preprocessing=..., class_names=...)` gives the same network seen in another way.
    """

    maps: tuple[FeatureMap, ...]
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()
    layout: torch.memory_format = torch.contiguous_format

    @property
    def n_layers(self) -> int:
        return len(self.maps)

    @property
    def width(self) -> int:
        """Channels of the last layer."""
        return self.maps[-1].width

    def site(self, layer: int | str, kind: str = "after") -> Site:
        """The output of a layer, counted from 0 in the order in which they run, or of the module at a path.

        Raises UserError if there is none.
        """
        if kind != "after":
            raise UserError(f"A network for images is read after its layers only, not {kind!r}; name a module path.")
        if isinstance(layer, str) and not layer.isdigit():
            return self.map_of(layer).site
        if not 0 <= int(layer) < self.n_layers:
            raise UserError(f"{self.id} has no layer {layer}: its layers are 0 to {self.n_layers - 1}.")
        return self.maps[int(layer)].site

    def map_of(self, site: Site | str) -> FeatureMap:
        """What `site`, or the module at this path, puts out."""
        path = site if isinstance(site, str) else site.module
        if path not in self._known:
            if path not in dict(self.network.named_modules()) or not path:
                raise UserError(f"{self.id} has no module {path!r}; its layers are {self._layers_named()}.")
            with self.lock:
                self._known[path] = map_at(self.network, self._logits, self.preprocessing.size, path)
        return self._known[path]

    def class_number(self, wanted: str) -> int:
        """The class with this name or number; UserError if there is none."""
        return find_class(self.class_names, wanted)

    def prepare(self, images: Iterable[Pixels]) -> dict[str, Tensor]:
        """`pixel_values` (batch, 3, height, width) of images (height, width, 3) uint8, on the model's device.

        They are taken one by one and not kept: give what loads them.
        """
        pixels = self.preprocessing.pixels(images).to(self.device, self.dtype)
        return {"pixel_values": pixels.contiguous(memory_format=self.layout)}

    def run(self, inputs: Mapping[str, Tensor]) -> ImageOutput:
        return ImageOutput(self._logits(inputs["pixel_values"]))

    def _logits(self, pixels: Tensor) -> Tensor:
        return logits_of(self.network(pixels))

    @cached_property
    def _known(self) -> dict[str, FeatureMap]:
        return {each.site.module: each for each in self.maps}

    def _layers_named(self) -> str:
        paths = [each.site.module for each in self.maps]
        return ", ".join(paths if len(paths) <= 6 else [*paths[:3], "...", *paths[-2:]])


def logits_of(output: Any) -> Tensor:
    """(batch, classes) from what a classifier returns: an object with `.logits`, a tuple that begins so, a tensor.

    Raises UserError if it is none of these.
    """
    found = getattr(output, "logits", output)
    found = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(found, Tensor) or found.dim() != 2:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise UserError(f"This network returns {shape}, not one logit for each class; it is no classifier.")
    return found
