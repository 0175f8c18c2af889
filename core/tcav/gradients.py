"""The target's gradient at sites, over a list of texts, kept on disk like activations are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from core.activations import Pool, Recipe, Store, shards
from core.activations.extract import is_out_of_memory
from core.activations.pooling import kept_tokens
from core.activations.recipe import corpus_hash, make_recipe
from core.activations.store import ShardEntry
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, gradients, tokenize
from core.models.hooks import OnSite, on_sites
from core.progress import Listener, Progress, silent
from core.tcav.reading import with_target
from core.tcav.targets import Target

SHARD = 64  # texts, so that little is lost when a long run is stopped
# A backward pass holds every layer of a batch, so that batches are smaller than those of a recording.
SHARE_OF_BATCH = 2


@dataclass(frozen=True)
class GradientRecipe(Recipe):
    """As for activations, and the target: two equal recipes give equal files."""

    target: str = ""


@dataclass(frozen=True, eq=False)
class Gradients:
    """A target's values and gradients over m inputs.

    values: (m,) in the target's unit. at: per site (m, d) float32, the gradient summed over the pooled positions, so
    that `at[site] @ v` is how fast the target changes when `v` is added there. An input of which no position is
    pooled is NaN.
    """

    values: np.ndarray
    at: dict[Site, np.ndarray]


def target_gradients(
    model: Model,
    target: Target,
    texts: Sequence[str],
    sites: Sequence[Site],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    progress: Listener = silent,
) -> Gradients:
    """The gradients of `target` at each of `sites`; only what is not in the workspace yet is computed.

    The gradient of a text is summed over exactly the positions that are pooled at that site (all kept tokens for
    pool "mean", the last kept one for "last"), which is where a push would act too.
    """
    if not texts:
        raise UserError("There are no inputs; give at least one text.")
    corpus = corpus_hash(texts)
    stores = {
        site: Store(_recipe(model, target, site, texts, pool, max_length, corpus)) for site in dict.fromkeys(sites)
    }
    n_shards = next(iter(stores.values())).recipe.n_shards
    for number in range(n_shards):
        missing = [site for site, store in stores.items() if not _is_sound(store, number)]
        if missing:
            progress(Progress(number * SHARD, len(texts), "texts", f"gradients in {model.id}"))
            _fill_shard(model, target, texts, {site: stores[site] for site in missing}, number)
    progress(Progress(len(texts), len(texts), "texts", f"gradients in {model.id}"))
    first = next(iter(stores.values()))
    values = np.concatenate([shard["values"].numpy() for shard in first])
    return Gradients(values, {site: store.load() for site, store in stores.items()})


def _recipe(
    model: Model, target: Target, site: Site, texts: Sequence[str], pool: Pool, max_length: int, corpus: str
) -> GradientRecipe:
    if pool == "none":
        raise UserError("TCAV needs one activation per text: use pool mean or last.")
    plain = make_recipe(model, site, texts, pool=pool, all_positions=False, max_length=max_length, corpus=corpus)
    own = {"shard_texts": SHARD, "batch_tokens": plain.batch_tokens // SHARE_OF_BATCH}
    return GradientRecipe(**{**asdict(plain), **own, "target": json.dumps(target.to_json(), sort_keys=True)})


def _is_sound(store: Store, number: int) -> bool:
    entry = store.entries().get(number)
    return entry is not None and shards.is_sound(store.path / entry.file, entry.sha256)


def _fill_shard(model: Model, target: Target, texts: Sequence[str], stores: dict[Site, Store], number: int) -> None:
    recipe = next(iter(stores.values())).recipe
    rows = recipe.texts_of(number)
    own = [texts[row] for row in rows]
    ids = tokenize(model, own, recipe.max_length, first=rows.start)
    values = torch.zeros(len(own))
    found = {site: torch.zeros(len(own), 0) for site in stores}
    kept, sinks = dict.fromkeys(stores, 0), dict.fromkeys(stores, 0)
    nothing: dict[Site, list[int]] = {site: [] for site in stores}
    smallest = recipe.batch_tokens
    for chunk, allowance, read, at in _in_batches(model, target, ids, list(stores), recipe):
        smallest = min(smallest, allowance)
        values[chunk] = read
        for site, (gradient, pooled, dropped) in at.items():
            if not found[site].shape[1]:
                found[site] = torch.zeros(len(own), gradient.shape[1])
            found[site][chunk] = gradient
            kept[site] += int(pooled.sum())
            sinks[site] += dropped
            nothing[site] += [rows[chunk[place]] for place in (pooled == 0).nonzero()[:, 0].tolist()]
    for site, store in stores.items():
        file = shards.name_of(number)
        tensors = {"activations": found[site], "values": values}
        with shards.locked(store.recipe.key):
            sha = shards.write(store.path / file, tensors)
            read_tokens = sum(map(len, ids))
            store.publish(
                number,
                ShardEntry(file, sha, len(own), kept[site], read_tokens, sinks[site], sorted(nothing[site]), smallest),
            )


def _in_batches(
    model: Model, target: Target, ids: list[list[int]], sites: list[Site], recipe: Recipe
) -> Iterator[tuple[list[int], int, Tensor, dict[Site, tuple[Tensor, Tensor, int]]]]:
    """Batch by batch, the longest texts first: rows, tokens allowed, values (rows,), and what is at each site."""
    allowance = recipe.batch_tokens
    waiting = sorted(range(len(ids)), key=lambda row: (-len(ids[row]), row))
    while waiting:
        size = max(1, allowance // len(ids[waiting[0]]))
        chunk = waiting[:size]
        try:
            values, at = _gradients_of(model, target, [ids[row] for row in chunk], sites, recipe.pool)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise UserError(
                    f"There is not enough memory for the gradient of one text of {len(ids[waiting[0]])} tokens; use a"
                    " smaller --max-length."
                ) from error
            allowance = min(allowance, size * len(ids[waiting[0]])) // 2
            if model.device.type == "cuda":
                torch.cuda.empty_cache()
            continue
        waiting = waiting[size:]
        yield chunk, allowance, values, at


def _gradients_of(
    model: Model, target: Target, ids: list[list[int]], sites: list[Site], pool: Pool
) -> tuple[Tensor, dict[Site, tuple[Tensor, Tensor, int]]]:
    """Values (batch,); per site the summed gradient (batch, d), how many positions were pooled (batch,), and sinks."""
    inputs = batch(model, ids)
    counted = counted_positions(model, inputs)
    asked, scalar = with_target(model, inputs, target)
    pooled: dict[Site, Tensor] = {}

    def looking(site: Site) -> OnSite:
        def look(h: Tensor) -> None:
            # Which tokens are sinks is seen in the activations themselves.
            pooled[site] = pooled_positions(h.detach().reshape(*counted.shape, -1), counted, pool)

        return look

    with on_sites(model, {site: looking(site) for site in sites}):
        values, raw = gradients(model, asked, sites, scalar)
    found = {}
    for site, gradient in raw.items():
        gradient = gradient.reshape(*counted.shape, -1).float()
        if not bool(gradient.isfinite().all()):
            raise UserError(f"The gradient at {site} is not finite in {model.dtype_name}; open the model in float32.")
        counts = pooled[site].sum(dim=1)
        summed = torch.bmm(pooled[site].float()[:, None, :], gradient)[:, 0]
        summed = summed.masked_fill((counts == 0)[:, None], torch.nan)
        sinks = 0 if pool == "last" else int((counted & ~pooled[site]).sum())
        found[site] = (summed.cpu(), counts.cpu(), sinks)
    return values.float().cpu(), found


def pooled_positions(h: Tensor, counted: Tensor, pool: Pool) -> Tensor:
    """Boolean (batch, tokens): the positions whose activations a text's pooled activation is made of.

    h: (batch, tokens, width). counted: boolean (batch, tokens). The same choice as in core/activations/pooling.py.
    """
    kept = kept_tokens(h, counted, keep_sinks=False)
    if pool == "mean":
        return kept
    return kept & (kept.cumsum(dim=1) == kept.sum(dim=1, keepdim=True))
