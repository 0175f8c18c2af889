"""A store: the activations of a corpus at one site, as a directory of shards with a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from core import workspace
from core.activations import shards
from core.activations.recipe import Recipe
from core.errors import UserError


@dataclass(frozen=True)
class ShardEntry:
    """What the manifest says of one shard.

    tokens: kept. tokens_read: all that went through the model. sinks: left out as sinks. nothing_kept: rows
    of the corpus of which no token was kept. batch_tokens: lower than the recipe's where memory ran short.
    """

    file: str
    sha256: str
    texts: int
    tokens: int
    tokens_read: int
    sinks: int
    nothing_kept: list[int]
    batch_tokens: int


@dataclass
class Store:
    """The activations of `recipe`, complete or not, at `path`.

    cached: nothing had to be computed to get it. repaired: names of shards that were damaged and made anew.
    """

    recipe: Recipe
    cached: bool = False
    repaired: list[str] = field(default_factory=list)

    @cached_property
    def path(self) -> Path:
        return workspace.place("activations", self.recipe.key, "manifest.json").parent

    @property
    def manifest(self) -> dict[str, Any]:
        """`recipe` and, under `shards`, what is known of each finished shard."""
        value = workspace.read_json(self.path / "manifest.json")
        if not isinstance(value, dict) or value.get("recipe") != self.recipe.as_json():
            return {"recipe": self.recipe.as_json(), "shards": {}}
        return value

    def entries(self) -> dict[int, ShardEntry]:
        """Finished shards by number."""
        return {int(number): ShardEntry(**entry) for number, entry in self.manifest["shards"].items()}

    def entry(self, shard: int) -> ShardEntry:
        """What is known of one shard. Raises UserError if it has not been recorded."""
        entries = self.entries()
        if shard not in entries:
            raise UserError(f"{self.path} is not complete: {shards.name_of(shard)} has not been recorded yet.")
        return entries[shard]

    def is_complete(self) -> bool:
        return set(self.entries()) == set(range(self.recipe.n_shards))

    @property
    def n_texts(self) -> int:
        return self.recipe.n_texts

    @property
    def n_tokens(self) -> int:
        """Tokens kept, over all finished shards."""
        return sum(entry.tokens for entry in self.entries().values())

    @property
    def n_sinks(self) -> int:
        return sum(entry.sinks for entry in self.entries().values())

    @property
    def width(self) -> int:
        return int(self.shard(0)["activations"].shape[-1])

    def shard(self, number: int) -> dict[str, Tensor]:
        """Tensors of one shard, memory-mapped: `activations`, and `token_ids` and `offsets` if it is unpooled.

        Raises UserError, naming the file, if it is damaged, missing or not recorded yet.
        """
        entry = self.entry(number)
        return shards.read(self.path / entry.file, entry.sha256)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Shard after shard, so that a store may be larger than memory."""
        return (self.shard(number) for number in range(self.recipe.n_shards))

    def load(self) -> np.ndarray:
        """Pooled activations (n_texts, width) float32, in the order of the texts.

        Rows of which no token was kept are NaN. Raises UserError if a shard is damaged or missing, or if the
        store is not pooled.
        """
        if self.recipe.pool == "none":
            raise UserError(f"{self.path} holds single tokens; read it shard by shard, or record with pool=mean.")
        return np.concatenate([shard["activations"].numpy() for shard in self])

    def damaged(self) -> list[str]:
        """Names of finished shards whose files are missing or do not hold what was written."""
        return [
            entry.file for entry in self.entries().values() if not shards.is_sound(self.path / entry.file, entry.sha256)
        ]

    def publish(self, number: int, entry: ShardEntry) -> None:
        """Enter a written shard into the manifest.

        Write and enter it under `shards.locked`: another program may be doing the same to this very shard.
        """
        manifest = self.manifest
        manifest["shards"][str(number)] = asdict(entry)
        manifest["shards"] = dict(sorted(manifest["shards"].items(), key=lambda item: int(item[0])))
        workspace.write_json(self.path / "manifest.json", manifest)
