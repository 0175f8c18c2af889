"""What a store holds: everything that changes its numbers, hashed into its key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from core import workspace
from core.errors import UserError
from core.models import AnyModel, Site
from core.versions import release, version

Pool = Literal["mean", "last", "none"]
POOLS: tuple[Pool, ...] = ("mean", "last", "none")

FORMAT = 1  # raised when the numbers or files of a store change

# A shard is held in memory while it is made; this bounds it whatever the model's width.
SHARD_BYTES = 256 << 20
NUMBER_BYTES = {"float64": 8, "float32": 4}
# Padded tokens per forward pass: large enough to keep the matrix units busy, small enough for caches.
BATCH_TOKENS = {"cpu": 1024, "cuda": 32768, "mps": 8192}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the numbers in a store. Two equal recipes give equal files.

    corpus: hash of the texts in their order. n_texts: how many they are. site: as `str(Site)`.
    dtype: of the model; pooled activations are always stored as float32.
    """

    fingerprint: str
    site: str
    layer: int
    kind: str
    pool: Pool
    all_positions: bool
    max_length: int
    corpus: str
    n_texts: int
    shard_texts: int
    batch_tokens: int
    device: str
    dtype: str
    torch: str = release("torch")
    transformers: str = version("transformers")
    format: int = FORMAT

    @cached_property
    def key(self) -> str:
        """Names the store's directory."""
        return workspace.digest(self.as_json())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def n_shards(self) -> int:
        return -(-self.n_texts // self.shard_texts)

    def texts_of(self, shard: int) -> range:
        """Rows of the corpus that `shard` holds, in their order."""
        first = shard * self.shard_texts
        return range(first, min(first + self.shard_texts, self.n_texts))


def make_recipe(
    model: AnyModel, site: Site, texts: Sequence[str], *, pool: Pool, all_positions: bool, max_length: int, corpus: str
) -> Recipe:
    """The recipe for `texts` at `site`. Raises UserError for a pool that does not exist."""
    if pool not in POOLS:
        raise UserError(f"There is no pool {pool!r}; there are {', '.join(POOLS)}.")
    if max_length < 2:
        raise UserError(f"A maximum length of {max_length} leaves no token to read; use 2 or more.")
    return Recipe(
        fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        kind=site.kind,
        pool=pool,
        all_positions=all_positions,
        max_length=max_length,
        corpus=corpus,
        n_texts=len(texts),
        shard_texts=shard_size(model, pool, max_length),
        batch_tokens=BATCH_TOKENS.get(model.device_type, BATCH_TOKENS["cpu"]),
        device=model.device_type,
        dtype=model.dtype_name,
    )


def shard_size(model: AnyModel, pool: Pool, max_length: int) -> int:
    """Texts per shard: a power of two up to 512, so that an unpooled shard stays under SHARD_BYTES."""
    if pool != "none":
        return 512
    # 4 times the residual width is the usual width of an MLP's hidden layer, the widest site there is.
    fitting = SHARD_BYTES // (max_length * model.width * NUMBER_BYTES.get(model.dtype_name, 2))
    return max(8, min(256, 1 << max(fitting, 1).bit_length() - 1))


def corpus_hash(texts: Sequence[str]) -> str:
    """A hash of the texts and their order; lengths go in too, so that no two lists run together."""
    sha = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", errors="surrogatepass")
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.hexdigest()[:24]
