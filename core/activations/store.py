"""A store: the activations of a corpus at one site, as a directory of shards with a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        own = workspace.place("activations", self.recipe.key, "manifest.json").parent
        there = workspace.found("activations", self.recipe.key, "manifest.json").parent
        # One of the shared library counts if there is nothing to add to it: it is only read.
        if workspace.is_shared(there) and self._whole_at(there):
            return there
        return own

    def _whole_at(self, path: Path) -> bool:
        other = Store(self.recipe)
        other.__dict__["path"] = path
        return other.is_complete() and not other.damaged()

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

    def damaged(self, numbers: Sequence[int] | None = None) -> list[str]:
        """Names of finished shards, of these or of all, whose files are missing or do not hold what was written."""
        return [
            entry.file
            for number, entry in self.entries().items()
            if (numbers is None or number in numbers) and not shards.is_sound(self.path / entry.file, entry.sha256)
        ]

    def put(self, number: int, tensors: dict[str, Tensor], **about: Any) -> None:
        """Write a shard and enter it into the manifest. about: what else a ShardEntry says of it."""
        # Under the lock: another program may be doing the same to this very shard.
        with shards.locked(self.recipe.key):
            file = shards.name_of(number)
            self.publish(number, ShardEntry(file, shards.write(self.path / file, tensors), **about))

    def publish(self, number: int, entry: ShardEntry) -> None:
        """Enter a written shard into the manifest, under `shards.locked`.

        Write it under the same lock if that can be: of two programs that make one shard, the last to write is the last
        to enter. Else the manifest may name the sum of the one and the file be the other's, unless both are the same,
        as they are on one kind of machine: such a shard is found damaged when it is read, and is made again.
        """
        self.publish_all({number: entry})

    def publish_all(self, entries: Mapping[int, ShardEntry]) -> None:
        """`publish` of many shards at once: a manifest of thousands takes long to write."""
        manifest = self.manifest
        manifest["shards"] |= {str(number): asdict(entry) for number, entry in entries.items()}
        manifest["shards"] = dict(sorted(manifest["shards"].items(), key=lambda item: int(item[0])))
        workspace.write_json(self.path / "manifest.json", manifest)
