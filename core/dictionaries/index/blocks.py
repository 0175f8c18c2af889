"""Where an index's activations come from: blocks of texts, read by the model or taken from a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.activations import Store
from core.activations.recipe import corpus_hash
from core.dictionaries.card import Card
from core.dictionaries.coder import Coder
from core.dictionaries.index.chunk import Chunk, Read, chunks
from core.dictionaries.stream import CHUNK, Tokens, kept_mask, read_tokens
from core.errors import UserError
from core.models import Model, Site, batch, record, tokenize


class Blocks(ABC):
    """Numbered blocks of texts; what a block gives follows from its number alone."""

    name: str  # part of an index's key

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def texts_of(self, number: int) -> range:
        """Numbers of the texts of a block."""

    @abstractmethod
    def read(self, number: int) -> Iterator[Read]:
        """The kept tokens of a block's texts, in parts."""

    def chunks(self, number: int, coder: Coder) -> Iterator[Chunk]:
        """The same with their codes."""
        for read in self.read(number):
            yield from chunks(read, coder)


class FromModel(Blocks):
    """The model reads the texts; nothing is stored."""

    name = "model"

    def __init__(self, model: Model, card: Card, texts: Sequence[str], max_length: int) -> None:
        self._model, self._texts, self._max_length = model, texts, max_length
        self._site, self._positions = site_of(card), card.positions

    @property
    def count(self) -> int:
        return -(-len(self._texts) // CHUNK)

    def texts_of(self, number: int) -> range:
        return range(number * CHUNK, min((number + 1) * CHUNK, len(self._texts)))

    def read(self, number: int) -> Iterator[Read]:
        rows = self.texts_of(number)
        texts = [self._texts[row] for row in rows]
        for tokens in read_tokens(
            self._model, texts, [self._site], positions=self._positions, max_length=self._max_length
        ):
            yield _of_batch(tokens, rows.start, self._site)


class FromStore(Blocks):
    """Shards of an unpooled store. The model is needed only where sinks leave it open which tokens were kept."""

    name = "store"

    def __init__(
        self,
        store: Store,
        model: Model,
        card: Card,
        texts: Sequence[str],
        max_length: int,
        corpus: str | None = None,
    ) -> None:
        """corpus: hash of all texts, where it is known already."""
        recipe, site = store.recipe, site_of(card)
        everything = card.positions == "all"
        fits = {
            "holds one activation per text": recipe.pool == "none",
            f"was recorded at {recipe.site}, not {site}": recipe.site == str(site),
            "is of another model": recipe.fingerprint == model.fingerprint,
            "is of other texts": recipe.corpus == (corpus or corpus_hash(texts)),
            "keeps other tokens than the dictionary reads": recipe.all_positions == everything,
            f"cuts texts at {recipe.max_length} tokens": recipe.max_length == max_length,
        }
        for fault, fine in fits.items():
            if not fine:
                raise UserError(f"{store.path} {fault}; record these texts for this dictionary.")
        self._store, self._model, self._texts, self._site = store, model, texts, site

    @property
    def count(self) -> int:
        return self._store.recipe.n_shards

    def texts_of(self, number: int) -> range:
        return self._store.recipe.texts_of(number)

    def read(self, number: int) -> Iterator[Read]:
        rows, shard = self.texts_of(number), self._store.shard(number)
        ids = shard["token_ids"].numpy().astype(np.int64)
        bounds = np.append(shard["offsets"].numpy(), len(ids))
        recipe = self._store.recipe
        whole = tokenize(self._model, [self._texts[row] for row in rows], recipe.max_length, first=rows.start)
        positions = [
            self._positions(np.array(all_ids), ids[a:b], recipe.all_positions)
            for all_ids, a, b in zip(whole, bounds[:-1], bounds[1:], strict=True)
        ]
        yield Read(np.array(rows), bounds, np.concatenate(positions), ids, shard["activations"])

    def _positions(self, all_ids: NDArray, kept: NDArray, everything: bool) -> NDArray[np.int64]:
        """Where the kept tokens stood in their text."""
        special = np.isin(all_ids, sorted(self._model.special_ids))
        counted = np.flatnonzero(np.ones(len(all_ids), dtype=bool) if everything else ~special & _not_first(all_ids))
        if len(counted) == len(kept):
            return counted
        # Sinks were left out as well. Where the earliest way to find what was kept is the latest, it is the only one.
        early = _found(all_ids[counted], kept)
        late = len(counted) - 1 - _found(all_ids[counted][::-1], kept[::-1])[::-1]
        if np.array_equal(early, late):
            return counted[early]
        inputs = batch(self._model, [all_ids.tolist()])
        mask = kept_mask(self._model, inputs, record(self._model, inputs, [self._site])[self._site], "kept")
        positions = mask[0].nonzero()[:, 0].cpu().numpy()
        if len(positions) != len(kept):
            raise UserError(f"{self._store.path} does not hold the tokens that the model keeps; record it anew.")
        return positions


def _not_first(ids: NDArray) -> NDArray[np.bool_]:
    return np.arange(len(ids)) > 0


def _found(ids: NDArray, kept: NDArray) -> NDArray[np.int64]:
    """The earliest places of `kept` in `ids`, in order."""
    places, at = [], 0
    for id in kept:
        while at < len(ids) and ids[at] != id:
            at += 1
        places.append(min(at, len(ids) - 1))
        at += 1
    return np.array(places, dtype=np.int64)


def _of_batch(tokens: Tokens, first: int, site: Site) -> Read:
    """A batch as it was read, its texts in the order of their numbers."""
    counts = tokens.kept.sum(dim=1).cpu()
    starts = counts.cumsum(dim=0) - counts
    order = sorted(range(len(tokens.rows)), key=lambda row: tokens.rows[row])
    taken = torch.cat([torch.arange(int(starts[row]), int(starts[row] + counts[row])) for row in order])
    place = tokens.kept.nonzero().cpu()[taken]
    bounds = np.concatenate([[0], np.cumsum(counts.numpy()[order])])
    return Read(
        texts=np.array([first + tokens.rows[row] for row in order]),
        bounds=bounds,
        positions=place[:, 1].numpy(),
        ids=tokens.inputs["input_ids"].cpu()[place[:, 0], place[:, 1]].numpy(),
        x=tokens.read[site][taken.to(tokens.kept.device)],
    )


def site_of(card: Card) -> Site:
    """Where a dictionary reads. Raises UserError for one that is bound to no model."""
    if card.reads is None:
        raise UserError("The dictionary is bound to no model; import it first.")
    return card.reads
