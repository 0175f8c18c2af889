"""The tuned lens: one affine map per layer, from its stream to what the last layer's would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from core.errors import UserError
from core.models import Model


@dataclass(frozen=True, eq=False)
class TunedLens:
    """Maps into the stream that enters the final norm, x = matrix (h - centre) + bias (Belrose et al. 2023, eq. 5).

    layers: which have a map, ascending; the last layer needs none. matrices: (layers, width, width) float32, rows are
    inputs: x = (h - centre) @ matrix + bias. centres, biases: (layers, width). manifest: plain JSON that says how it
    was made (see `train_lens`), with the held-out divergences.
    """

    key: str
    model_id: str
    model_fingerprint: str
    layers: tuple[int, ...]
    matrices: Tensor = field(repr=False)
    centres: Tensor = field(repr=False)
    biases: Tensor = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)

    def translate(self, layer: int, h: Tensor) -> Tensor:
        """Streams h (..., width) after `layer`, as the last layer's stream, float32. Layers without a map: h itself."""
        if layer not in self.layers:
            return h.float()
        place = self.layers.index(layer)
        centre, matrix, bias = (part[place].to(h.device) for part in (self.centres, self.matrices, self.biases))
        return (h.float() - centre) @ matrix + bias


def check_lens(lens: TunedLens, model: Model) -> None:
    """Raise UserError, naming both, unless `lens` was trained on `model`."""
    if (lens.model_fingerprint, lens.matrices.shape[-1]) != (model.fingerprint, model.width):
        raise UserError(
            f"This tuned lens was trained on {lens.model_id} ({lens.model_fingerprint[:8]}), not on {model.id} "
            f"({model.fingerprint[:8]}); train one for {model.id}."
        )
