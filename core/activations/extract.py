"""Filling stores: one forward pass over the texts for all the sites that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import torch
from torch import Tensor

from core import workspace
from core.activations.pooling import kept_tokens, pool_batch
from core.activations.recipe import Pool, Recipe, corpus_hash, make_recipe
from core.activations.store import Store
from core.errors import UserError
from core.models.model import Model
from core.models.recording import record
from core.models.site import Site
from core.models.tokens import batch, counted_positions, tokenize
from core.progress import Listener, Progress, silent

# Unpooled shards of so many sites are held in memory together (256 MB each at the most); more take another pass.
SITES_AT_ONCE = 8


def record_texts(
    model: Model,
    texts: Sequence[str],
    sites: Sequence[Site],
    *,
    pool: Pool = "mean",
    all_positions: bool = False,
    max_length: int = 256,
    writer: tuple[int, int] = (0, 1),
    progress: Listener = silent,
) -> list[Store]:
    """Record `texts` at each of `sites`, computing only what is not in the workspace yet.

    pool: "mean" over kept tokens, the "last" kept token, or "none" for every kept token. all_positions: keep
    first and special tokens and sinks too. max_length: tokens at which a text is cut. writer: (i, n) makes
    this call fill only shards i, i + n, ...: several programs can fill one store together.

    Shards that are finished and sound are left alone, so that a stopped call goes on where it was and the
    result equals an undisturbed one byte for byte. Returns one Store per site, in the order of `sites`.
    """
    if not texts:
        raise UserError("There are no texts to record; give at least one.")
    workspace.clear_parts()
    corpus = corpus_hash(texts)
    stores = {
        site: Store(
            make_recipe(
                model, site, texts, pool=pool, all_positions=all_positions, max_length=max_length, corpus=corpus
            )
        )
        for site in sites
    }
    missing = missing_shards(stores, _own(stores, writer))
    for store in stores.values():
        store.cached = True
    if missing:
        # What an earlier call finished counts as done: a resumed job goes on where its bar stood.
        sizes = {number: len(_any(stores).recipe.texts_of(number)) for number in _own(stores, writer)}
        total = sum(sizes.values())
        done = total - sum(sizes[number] for number in missing)
        note = f"recording {model.id}"
        progress(Progress(done, total, "texts", note))
        for number, wanted in missing.items():
            own = [texts[row] for row in _any(stores).recipe.texts_of(number)]
            for rows in record_shard(model, own, {site: stores[site] for site in wanted}, number):
                done += rows
                progress(Progress(done, total, "texts", note))
    return [stores[site] for site in sites]


def _any(stores: dict[Site, Store]) -> Store:
    """Stores recorded together differ in their site alone; the plan of shards is the same in all."""
    return next(iter(stores.values()))


def _own(stores: dict[Site, Store], writer: tuple[int, int]) -> range:
    """Shards that this writer fills."""
    return range(writer[0], _any(stores).recipe.n_shards, writer[1])


def missing_shards(stores: dict[Site, Store], numbers: Sequence[int]) -> dict[int, list[Site]]:
    """For each of these shards that some site lacks, or whose file is damaged: those sites."""
    missing: dict[int, list[Site]] = {}
    for site, store in stores.items():
        damaged = set(store.damaged(numbers))
        store.repaired = sorted(damaged)
        sound = {number for number, entry in store.entries().items() if entry.file not in damaged}
        for number in numbers:
            if number not in sound:
                missing.setdefault(number, []).append(site)
    return dict(sorted(missing.items()))


@dataclass
class _Rows:
    """What is kept of one shard's texts at one site, while it is being made."""

    activations: dict[int, Tensor] = field(default_factory=dict)  # by row of the corpus
    token_ids: dict[int, Tensor] = field(default_factory=dict)
    sinks: int = 0


def record_shard(model: Model, texts: Sequence[str], stores: dict[Site, Store], number: int) -> Iterator[int]:
    """Record one shard of each store and put it there; yields after each batch how many texts are done with it.

    texts: of this shard alone, in their order.
    """
    sites = list(stores)
    at_once = SITES_AT_ONCE if _any(stores).recipe.pool == "none" else len(sites)
    for first in range(0, len(sites), at_once):
        last = first + at_once >= len(sites)
        for rows in _fill(model, texts, {site: stores[site] for site in sites[first : first + at_once]}, number):
            yield rows if last else 0


def _fill(model: Model, texts: Sequence[str], stores: dict[Site, Store], number: int) -> Iterator[int]:
    recipe = _any(stores).recipe
    rows = recipe.texts_of(number)
    ids = dict(zip(rows, tokenize(model, texts, recipe.max_length, first=rows.start), strict=True))
    kept = {site: _Rows() for site in stores}
    smallest = recipe.batch_tokens
    for done, allowance in _in_batches(model, ids, recipe, kept):
        smallest = min(smallest, allowance)
        yield done
    for site, store in stores.items():
        _put(store, number, kept[site], ids, smallest)
        store.cached = False


def _in_batches(
    model: Model, ids: dict[int, list[int]], recipe: Recipe, kept: dict[Site, _Rows]
) -> Iterator[tuple[int, int]]:
    """Read all rows, batch by batch; yields (rows done, tokens allowed per batch) after each.

    Rows are sorted by length, so that batches hold little padding. When memory runs out, the allowance is
    halved for the rest of the shard.
    """
    allowance = recipe.batch_tokens
    waiting = sorted(ids, key=lambda row: (-len(ids[row]), row))
    while waiting:
        size = max(1, allowance // len(ids[waiting[0]]))
        chunk = waiting[:size]
        inputs = batch(model, [ids[row] for row in chunk])
        counted = counted_positions(model, inputs, all_positions=recipe.all_positions)
        try:
            read = record(model, inputs, list(kept))
            pooled = {site: _pooled(site, chunk, inputs["input_ids"], read.pop(site), counted, recipe) for site in kept}
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                length = len(ids[waiting[0]])
                raise UserError(
                    f"There is not enough memory to read one text of {length} tokens; use a smaller --max-length."
                ) from error
            # A smaller allowance cannot help while it still admits as many rows as there are.
            allowance = min(allowance, size * len(ids[waiting[0]])) // 2
            if model.device.type == "cuda":
                torch.cuda.empty_cache()
            continue
        for site, rows in kept.items():
            activations, token_ids, sinks = pooled[site]
            rows.activations.update(activations)
            rows.token_ids.update(token_ids)
            rows.sinks += sinks
        waiting = waiting[size:]
        yield len(chunk), allowance


def _pooled(
    site: Site, chunk: list[int], ids: Tensor, h: Tensor, counted: Tensor, recipe: Recipe
) -> tuple[dict[int, Tensor], dict[int, Tensor], int]:
    """What is stored of a batch: activations and token ids by row of the corpus, and how many sinks were left out.

    Raises UserError if an activation is not finite.
    """
    broken = counted & ~h.float().sum(dim=-1).isfinite()
    if bool(broken.any()):
        row = chunk[int(broken.any(dim=1).nonzero()[0])]
        raise UserError(
            f"Text {row} has activations at {site} that are not finite in {recipe.dtype}; open the model in float32."
        )
    chosen = kept_tokens(h, counted, keep_sinks=recipe.all_positions)
    token_ids = (row[mask].cpu() for row, mask in zip(ids, chosen, strict=True))
    return (
        dict(zip(chunk, pool_batch(h, chosen, recipe.pool), strict=True)),
        dict(zip(chunk, token_ids, strict=True)),
        int((counted & ~chosen).sum()),
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: CUDA has an error of its own for it, processors and MPS say it in words."""
    words = ("can't allocate memory", "out of memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)


def _put(store: Store, number: int, rows: _Rows, ids: dict[int, list[int]], allowance: int) -> None:
    order = list(store.recipe.texts_of(number))
    lengths = [len(rows.token_ids[row]) for row in order]
    if store.recipe.pool == "none":
        tensors = {
            "activations": torch.cat([rows.activations[row] for row in order]),
            "token_ids": torch.cat([rows.token_ids[row] for row in order]),
            "offsets": torch.tensor([0, *accumulate(lengths[:-1])], dtype=torch.int64),
        }
    else:
        tensors = {"activations": torch.stack([rows.activations[row] for row in order])}
    store.put(
        number,
        tensors,
        texts=len(order),
        tokens=sum(lengths),
        tokens_read=sum(len(ids[row]) for row in order),
        sinks=rows.sinks,
        nothing_kept=[row for row, length in zip(order, lengths, strict=True) if length == 0],
        batch_tokens=allowance,
    )
