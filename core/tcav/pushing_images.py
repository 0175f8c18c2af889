"""Real pushes on images: how a class's logit changes when a direction is added at all positions of a map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.activations.extract import is_out_of_memory
from core.activations.images import BATCH
from core.errors import UserError
from core.examples import Image
from core.models import ImageModel, Site, edit
from core.models.recording import forward
from core.progress import Listener, Progress, silent
from core.tcav.targets import Target, class_of

AT_ONCE = 4  # times the images of a recording's batch, since what comes after the first layers is smaller


def pushed_values(
    model: ImageModel,
    target: Target,
    images: Sequence[Image],
    site: Site,
    pushes: np.ndarray,
    *,
    progress: Listener = silent,
) -> np.ndarray:
    """The target's values (k, m) under each of `pushes` (k, d), in the activations' own units, on each of m images.

    A push of zeros is the plain model. Behind a layer everything follows from what the layer puts out, so that one
    image is read up to there once for many pushes.
    """
    asked = class_of(target)
    moves = torch.from_numpy(np.asarray(pushes)).to(device=model.device, dtype=model.dtype)
    values = np.zeros((len(pushes), len(images)))
    size = AT_ONCE * BATCH.get(model.device.type, BATCH["cpu"])
    for row, image in enumerate(images):
        progress(Progress(row, len(images), "images", f"pushing in {model.id}"))
        inputs = model.prepare([image.load()])
        done = 0
        while done < len(moves):
            chunk = moves[done : done + size]
            try:
                values[done : done + len(chunk), row] = asked.of(_logits(model, inputs, site, chunk)).cpu().numpy()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise UserError("There is not enough memory to push one image; use a smaller size.") from error
                size //= 2
                continue
            done += len(chunk)
    progress(Progress(len(images), len(images), "images", f"pushing in {model.id}"))
    if not np.isfinite(values).all():
        raise UserError(f"A push at {site} is too large for {model.dtype_name} numbers; open the model in float32.")
    return values


def _logits(model: ImageModel, inputs: dict[str, Tensor], site: Site, moves: Tensor) -> Tensor:
    """(k, classes) of one image under each of `moves` (k, d)."""
    seen = model.map_of(site)
    if site not in {each.site for each in model.maps}:
        # Some of the computation may go round this place: there is no way but to run all of it for every push.
        inputs = {name: value.expand(len(moves), *value.shape[1:]).contiguous() for name, value in inputs.items()}
    shape = [len(moves)] + [1] * (len(seen.positions) + 1)
    shape[seen.axis if seen.positions else 1] = moves.shape[1]

    def push(h: Tensor) -> Tensor:
        return h + moves.reshape(shape)

    with torch.no_grad(), edit(model, {site: push}):
        return forward(model, inputs).logits
