"""Activations of images, and gradients of a class's logit, in the same stores as those of texts.

An image is pooled by a global average: the mean over all positions of a feature map, or over all tokens, class token
and all. The gradient is summed over the same positions, so that it tells what a push at all of them would do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import PIL
import torch
from torch import Tensor

from core import workspace
from core.activations import shards
from core.activations.extract import is_out_of_memory
from core.activations.freed_memory import keep_freed_memory
from core.activations.recipe import Recipe, corpus_hash
from core.activations.store import ShardEntry, Store
from core.errors import UserError
from core.examples.images import Image
from core.models.image_model import ImageModel
from core.models.recording import gradients, record
from core.models.site import Site
from core.progress import Listener, Progress, silent

SHARD = 128  # images, so that little is lost when a long run is stopped
# Images per forward pass: on processors more would only fall out of the caches.
BATCH = {"cpu": 8, "cuda": 64, "mps": 16}


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    """What decides the numbers of a store of images; where a Recipe says texts and tokens, these are images.

    corpus: hash of the images' digests in their order. preprocessing: as JSON. gradient_of: the class whose logit's
    gradient is stored, or None for activations.
    """

    preprocessing: str = ""
    gradient_of: int | None = None
    pillow: str = PIL.__version__


@dataclass(frozen=True, eq=False)
class ClassGradients:
    """values: (m,) the logit of each image. at: per site (m, d) float32, its gradient summed over the positions."""

    values: np.ndarray
    at: dict[Site, np.ndarray]


def record_images(
    model: ImageModel,
    images: Sequence[Image],
    sites: Sequence[Site],
    *,
    writer: tuple[int, int] = (0, 1),
    progress: Listener = silent,
) -> list[Store]:
    """Record the global averages of `images` at each of `sites`, computing only what is not in the workspace yet.

    `Store.load()` gives (n, width) float32 in the order of the images. writer: as for `record_texts`. Raises UserError
    for an image that cannot be read or gives activations that are not finite, naming it.
    """
    stores = _stores(model, images, sites, None)
    _fill(model, images, stores, None, writer, progress)
    return [stores[site] for site in sites]


def class_gradients(
    model: ImageModel,
    images: Sequence[Image],
    sites: Sequence[Site],
    number: int,
    *,
    progress: Listener = silent,
) -> ClassGradients:
    """The gradient of the logit of class `number` at each of `sites`; only what is missing is computed."""
    stores = _stores(model, images, sites, number)
    _fill(model, images, stores, number, (0, 1), progress)
    first = next(iter(stores.values()))
    values = np.concatenate([shard["values"].numpy() for shard in first])
    return ClassGradients(values, {site: store.load() for site, store in stores.items()})


def _stores(
    model: ImageModel, images: Sequence[Image], sites: Sequence[Site], gradient_of: int | None
) -> dict[Site, Store]:
    if not images or not sites:
        raise UserError("There is nothing to read: give at least one image and one layer.")
    workspace.clear_parts()
    return {site: Store(recipe_of(model, images, site, gradient_of)) for site in dict.fromkeys(sites)}


def recipe_of(model: ImageModel, images: Sequence[Image], site: Site, gradient_of: int | None = None) -> ImageRecipe:
    """The recipe for `images` at `site`."""
    return ImageRecipe(
        fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        kind=site.kind,
        pool="mean",
        all_positions=True,
        max_length=0,
        corpus=corpus_hash([image.digest for image in images]),
        n_texts=len(images),
        shard_texts=SHARD,
        batch_tokens=BATCH.get(model.device.type, BATCH["cpu"]) // (1 if gradient_of is None else 2),
        device=model.device.type,
        dtype=model.dtype_name,
        preprocessing=json.dumps(model.preprocessing.as_json(), sort_keys=True),
        gradient_of=gradient_of,
    )


def _fill(
    model: ImageModel,
    images: Sequence[Image],
    stores: dict[Site, Store],
    gradient_of: int | None,
    writer: tuple[int, int],
    progress: Listener,
) -> None:
    """Make the shards of this writer that are missing or damaged, each for all the sites that lack it."""
    damaged = {site: set(store.damaged()) for site, store in stores.items()}
    for site, store in stores.items():
        store.cached, store.repaired = True, sorted(damaged[site])
    recipe = next(iter(stores.values())).recipe
    note = f"{'recording' if gradient_of is None else 'gradients in'} {model.id}"
    done = 0
    for number in range(writer[0], recipe.n_shards, writer[1]):
        rows = recipe.texts_of(number)
        missing = {
            site: store
            for site, store in stores.items()
            if number not in store.entries() or shards.name_of(number) in damaged[site]
        }
        if missing:
            keep_freed_memory()
            for read in _fill_shard(model, [images[row] for row in rows], missing, number, gradient_of):
                progress(Progress(done + read, len(images), "images", note))
        done += len(rows)
    progress(Progress(done, len(images) if writer[1] == 1 else done, "images", note))


def _fill_shard(
    model: ImageModel, images: Sequence[Image], stores: dict[Site, Store], number: int, gradient_of: int | None
) -> Iterator[int]:
    """Read, write and enter one shard of each store; yields how many of its images have been read."""
    size = next(iter(stores.values())).recipe.batch_tokens
    pooled: dict[Site, list[Tensor]] = {site: [] for site in stores}
    values: list[Tensor] = []
    done = 0
    while done < len(images):
        chunk = images[done : done + size]
        try:
            found, logits = _read(model, chunk, list(stores), gradient_of)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise UserError("There is not enough memory to read one image; use a smaller size.") from error
            size //= 2
            if model.device.type == "cuda":
                torch.cuda.empty_cache()
            continue
        for site, of_site in found.items():
            pooled[site].append(of_site)
        values.append(logits)
        done += len(chunk)
        yield done
    for site, store in stores.items():
        file = shards.name_of(number)
        tensors = {"activations": torch.cat(pooled[site])}
        if gradient_of is not None:
            tensors["values"] = torch.cat(values)
        positions = len(images) * int(np.prod(model.map_of(site).positions))
        with shards.locked(store.recipe.key):
            sha = shards.write(store.path / file, tensors)
            store.publish(number, ShardEntry(file, sha, len(images), positions, positions, 0, [], size))
        store.cached = False


def _read(
    model: ImageModel, images: Sequence[Image], sites: Sequence[Site], gradient_of: int | None
) -> tuple[dict[Site, Tensor], Tensor]:
    """Per site (batch, width) float32: pooled activations, or summed gradients; and the logits (batch,)."""
    inputs = model.prepare(image.load() for image in images)
    if gradient_of is None:
        raw, logits = record(model, inputs, sites), torch.empty(0)
    else:
        logits, raw = gradients(model, inputs, sites, lambda output: output.logits[:, gradient_of])
    found = {}
    for site in sites:
        flat = model.map_of(site).flat(raw.pop(site)).float()
        pooled = (flat.mean(dim=1) if gradient_of is None else flat.sum(dim=1)).cpu()
        broken = ~pooled.isfinite().all(dim=1)
        if bool(broken.any()):
            name = images[int(broken.nonzero()[0])].name
            what = "activations" if gradient_of is None else "a gradient"
            raise UserError(f"{name} has {what} at {site} that are not finite in {model.dtype_name}; use float32.")
        found[site] = pooled
    return found, logits.float().cpu()
