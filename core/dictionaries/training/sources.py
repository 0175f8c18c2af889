"""Where a trainer's activations come from: streamed from the model, or read from an unpooled store.

Both give numbered blocks. A block holds the kept tokens of many texts, shuffled together, and follows from its number
alone, so that a resumed run sees what an undisturbed one would have seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.activations import Store
from core.activations.recipe import corpus_hash
from core.dictionaries.stream import read_tokens
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.together import Together
from core.errors import UserError
from core.models import Model, Site


class Source(ABC):
    """Blocks of activations without end: after the last text the first ones come again, in another order."""

    recipe: Recipe
    team: Together | None = None  # those who read blocks together with this process

    @property
    @abstractmethod
    def per_pass(self) -> int:
        """How many blocks one pass over all texts has."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What decides the blocks."""

    @abstractmethod
    def _members(self, chosen: Sequence[int]) -> Tensor:
        """Activations (n, d) of the members (texts, shards) with these numbers, in this order."""

    @property
    @abstractmethod
    def _layout(self) -> tuple[int, int]:
        """How many members there are, and how many make a block."""

    def block(self, number: int) -> Tensor:
        """Block `number`, (n, d), its tokens in random order. Raises UserError if its texts have no token to keep."""
        again, place = divmod(number, self.per_pass)
        count, size = self._layout
        order = torch.randperm(count, generator=_chance(self.recipe.seed, 0, again)).tolist()
        chosen = order[place * size : (place + 1) * size]
        found = self._members(chosen) if self.team is None else self.team.gathered(self._members, chosen)
        if len(found) == 0:
            raise UserError("The texts hold no tokens to learn from; give longer ones.")
        shuffled = torch.randperm(len(found), generator=_chance(self.recipe.seed, 1, number))
        return found[shuffled.to(found.device)]


class FromModel(Source):
    """Texts read by the model as they are needed; nothing is stored."""

    def __init__(self, model: Model, site: Site, texts: Sequence[str], recipe: Recipe) -> None:
        if not texts:
            raise UserError("There are no texts to learn from; give at least one.")
        self.model, self.site, self.texts, self.recipe = model, site, texts, recipe
        self._corpus = corpus_hash(texts)

    @property
    def _layout(self) -> tuple[int, int]:
        return len(self.texts), self.recipe.block

    @property
    def per_pass(self) -> int:
        return -(-len(self.texts) // self.recipe.block)

    def to_json(self) -> dict[str, Any]:
        return {"from": "model", "corpus": self._corpus, "texts": len(self.texts)}

    def _members(self, chosen: Sequence[int]) -> Tensor:
        texts = [self.texts[i] for i in chosen]
        return activations_of(self.model, self.site, texts, self.recipe.max_length)


class FromStore(Source):
    """An unpooled store, some shards at a time."""

    def __init__(self, store: Store, recipe: Recipe, device: torch.device) -> None:
        if store.recipe.pool != "none":
            raise UserError(f"{store.path} holds one activation per text; record with pool=none to train on tokens.")
        if store.recipe.all_positions:
            raise UserError(f"{store.path} holds first tokens and sinks too, which no dictionary should learn from.")
        self.store, self.recipe, self.device = store, recipe, device

    @property
    def _layout(self) -> tuple[int, int]:
        return self.store.recipe.n_shards, max(1, self.recipe.block // self.store.recipe.shard_texts)

    @property
    def per_pass(self) -> int:
        count, size = self._layout
        return -(-count // size)

    def to_json(self) -> dict[str, Any]:
        return {"from": "store", "store": self.store.recipe.key, "texts": self.store.n_texts}

    def _members(self, chosen: Sequence[int]) -> Tensor:
        return torch.cat([self.store.shard(number)["activations"].to(self.device) for number in chosen])


def activations_of(model: Model, site: Site, texts: Sequence[str], max_length: int) -> Tensor:
    """Kept tokens of texts at a site, (n, d), text after text, in the model's dtype and on its device."""
    read, rows = [], []
    for tokens in read_tokens(model, texts, [site], max_length=max_length):
        read.append(tokens.read[site])
        rows.append(tokens.row_of)
    order = torch.cat(rows).argsort(stable=True)
    return torch.cat(read)[order]


def _chance(*numbers: int) -> torch.Generator:
    """A generator of its own for each tuple of numbers."""
    seed = 0
    for number in numbers:
        seed = (seed * 1_000_003 + number + 1) % (1 << 62)
    return torch.Generator().manual_seed(seed)
