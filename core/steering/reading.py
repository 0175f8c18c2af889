"""What tokens read along a direction, counted from ordinary tokens: the unit of conditions and of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core import workspace
from core.activations import read_result, write_result
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, record, tokenize
from core.steering.prompts import NEUTRAL

VERSION = 1


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of `h . vector` over the tokens of 20 neutral prompts."""

    mean: float
    sd: float

    def raw(self, above: float) -> float:
        """A value in standard deviations as it stands in the activations."""
        return self.mean + above * self.sd


def scale_of(model: Model, site: Site, vector: np.ndarray) -> Scale:
    """The scale of a direction at a site; kept. First and special tokens do not count."""
    key = workspace.digest(
        {
            "what": "scale of readings",
            "version": VERSION,
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "site": str(site),
            "vector": vector.astype(np.float64).tobytes().hex(),
            "prompts": list(NEUTRAL),
        }
    )
    if (kept := read_result(key)) is not None:
        return Scale(kept["mean"], kept["sd"])
    inputs = batch(model, tokenize(model, NEUTRAL, None))
    h = record(model, inputs, [site])[site].float()
    read = (h @ h.new_tensor(vector))[counted_positions(model, inputs)].double()
    found = Scale(float(read.mean()), float(read.std()))
    if not (np.isfinite(found.mean) and found.sd > 0):
        raise UserError(f"Nothing is read along this direction at {site}; take another one.")
    write_result(key, {"mean": found.mean, "sd": found.sd})
    return found


def readings(model: Model, ids: Sequence[int], site: Site, vector: np.ndarray) -> list[float | None]:
    """What each token of a text reads, in standard deviations, by the model without any push; None where masked."""
    scale = scale_of(model, site, vector)
    inputs = batch(model, [ids])
    h = record(model, inputs, [site])[site].float()
    read = ((h @ h.new_tensor(vector))[0].double() - scale.mean) / scale.sd
    counted = counted_positions(model, inputs)[0].tolist()
    return [float(value) if counts else None for value, counts in zip(read.tolist(), counted, strict=True)]
