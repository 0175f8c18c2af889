"""Reading tokens of texts at a dictionary's place: batch by batch, with what says which tokens they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.activations.extract import is_out_of_memory
from core.activations.pooling import kept_tokens
from core.activations.recipe import BATCH_TOKENS
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, record, tokenize
from core.progress import Listener, Progress, silent

CHUNK = 256  # texts that are sorted by length together: batches hold little padding, and memory stays bounded


@dataclass(frozen=True, eq=False)
class Tokens:
    """One batch of texts.

    rows: places of the texts in the list that was given, as they stand in the batch. inputs: `input_ids` and
    `attention_mask`, (b, t). kept: boolean (b, t), the tokens on which the dictionary is meaningful. read: per site
    (number kept, width), in the order of `kept.nonzero()`.
    """

    rows: list[int]
    inputs: dict[str, Tensor]
    kept: Tensor
    read: dict[Site, Tensor]

    @property
    def row_of(self) -> Tensor:
        """(number kept,) place of each token's text in the list that was given."""
        return torch.tensor(self.rows, device=self.kept.device)[self.kept.nonzero()[:, 0]]


def read_tokens(
    model: Model,
    texts: Sequence[str],
    sites: Sequence[Site],
    *,
    positions: str = "kept",
    max_length: int = 256,
    note: str = "reading",
    progress: Listener = silent,
) -> Iterator[Tokens]:
    """Batches of `texts` at `sites`; the first site decides which tokens are sinks.

    positions: "kept" leaves out first and special tokens and sinks, "all" nothing but padding. Which texts share a
    batch follows from the list alone. Raises UserError for activations that are not finite, or if not even one text
    fits into memory.
    """
    allowance = BATCH_TOKENS.get(model.device.type, BATCH_TOKENS["cpu"])
    for first in range(0, len(texts), CHUNK):
        ids = tokenize(model, texts[first : first + CHUNK], max_length, first=first)
        waiting = sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i))
        while waiting:
            size = max(1, allowance // len(ids[waiting[0]]))
            chosen = waiting[:size]
            inputs = batch(model, [ids[i] for i in chosen])
            try:
                yield _read(model, [first + i for i in chosen], inputs, sites, positions)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise UserError(
                        "There is not enough memory to read one text; use a smaller --max-length."
                    ) from error
                allowance = min(allowance, size * len(ids[waiting[0]])) // 2
                if model.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            waiting = waiting[size:]
        progress(Progress(min(first + CHUNK, len(texts)), len(texts), "texts", note))


def kept_mask(model: Model, inputs: dict[str, Tensor], h: Tensor, positions: str) -> Tensor:
    """Boolean (b, t): the tokens of h (b, t, width) on which a dictionary with these `positions` is meaningful."""
    everything = positions == "all"
    counted = counted_positions(model, inputs, all_positions=everything)
    return kept_tokens(h, counted, keep_sinks=everything)


def _read(model: Model, rows: list[int], inputs: dict[str, Tensor], sites: Sequence[Site], positions: str) -> Tokens:
    found = record(model, inputs, sites)
    kept = kept_mask(model, inputs, found[sites[0]], positions)
    read = {site: h[kept] for site, h in found.items()}
    for site, h in read.items():
        if not bool(h.float().sum(dim=-1).isfinite().all()):
            raise UserError(f"There are activations at {site} that are not finite; open the model in float32.")
    return Tokens(rows, inputs, kept, read)
