"""The typical norm of a site in a network for images: the unit in which doses are counted there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import torch

from core import workspace
from core.activations.images import BATCH
from core.activations.recipe import FORMAT, corpus_hash
from core.activations.reference import TypicalNorm, require_finite
from core.activations.results import read_result, write_result
from core.examples.images import Image
from core.examples.reference_images import reference_images
from core.models.image_model import ImageModel
from core.models.recording import record
from core.models.site import Site
from core.progress import Listener, Progress, silent

IMAGES = 128  # of the reference: thousands of positions each in the first layers, 49 or more in the last


def typical_image_norms(
    model: ImageModel, sites: Sequence[Site], *, progress: Listener = silent
) -> dict[Site, TypicalNorm]:
    """Median norm over all positions of the reference's first 128 images, per site; `n_texts` counts images.

    One pass for all that was not measured before, then from the workspace. No position is left out as a sink: an image
    has thousands, and a median does not feel the few that are far larger.
    """
    images = reference_images()[:IMAGES]
    keys = {site: _key_of(model, site, images) for site in sites}
    known = {site: TypicalNorm(**value) for site, key in keys.items() if (value := read_result(key)) is not None}
    if missing := [site for site in keys if site not in known]:
        for site, norm in measure(model, missing, images, progress).items():
            write_result(keys[site], asdict(norm))
            known[site] = norm
    return {site: known[site] for site in sites}


def measure(
    model: ImageModel, sites: Sequence[Site], images: Sequence[Image], progress: Listener = silent
) -> dict[Site, TypicalNorm]:
    """Typical norms of `sites` over `images`, computed now. Raises UserError where they are not finite."""
    norms: dict[Site, list[torch.Tensor]] = {site: [] for site in sites}
    size = BATCH.get(model.device.type, BATCH["cpu"])
    for start in range(0, len(images), size):
        progress(Progress(start, len(images), "images", f"typical norm of {model.id}"))
        inputs = model.prepare(image.load() for image in images[start : start + size])
        for site, h in record(model, inputs, sites).items():
            flat = model.map_of(site).flat(h).float()
            of_places = torch.linalg.vector_norm(flat, dim=-1).flatten().cpu()
            require_finite(model, site, of_places)
            norms[site].append(of_places)
    progress(Progress(len(images), len(images), "images", f"typical norm of {model.id}"))
    found = {site: torch.cat(of_site) for site, of_site in norms.items()}
    return {site: TypicalNorm(float(all_.median()), len(all_), 0, len(images)) for site, all_ in found.items()}


def _key_of(model: ImageModel, site: Site, images: Sequence[Image]) -> str:
    return workspace.digest(
        {
            "what": "typical norm of images",
            "format": FORMAT,
            "fingerprint": model.fingerprint,
            "site": str(site),
            "images": corpus_hash([image.digest for image in images]),
            "preprocessing": json.dumps(model.preprocessing.as_json(), sort_keys=True),
            "device": model.device.type,
            "dtype": model.dtype_name,
        }
    )
