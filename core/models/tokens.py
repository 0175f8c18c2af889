"""Texts to token ids, ids to padded batches, and which positions count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from core.errors import UserError
from core.models.model import Model


def tokenize(model: Model, texts: Sequence[str], max_length: int | None, *, first: int = 0) -> list[list[int]]:
    """Token ids of each text, with the tokenizer's own special tokens, cut at `max_length` tokens (None: not cut).

    Raises UserError for a text that gives no token at all, naming it by its place: `first` is that of texts[0].
    """
    if max_length is not None and model.context_length is not None:
        max_length = min(max_length, model.context_length)
    if not texts:
        return []
    for row, text in enumerate(texts, first):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UserError(f"Text {row} ({text[:30]!a}) holds bytes that are no UTF-8; mend or remove it.") from None
    with model.tokenizer_lock:
        ids = model.tokenizer(list(texts), truncation=max_length is not None, max_length=max_length)["input_ids"]
    for row, of_text in enumerate(ids, first):
        if not of_text:
            raise UserError(f"Text {row} ({texts[row - first][:30]!r}) has no tokens; remove it.")
    return ids


def batch(model: Model, ids: Sequence[Sequence[int]], *, padding: str = "right") -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, each (batch, tokens), on the model's device.

    padding: "right" for reading, since what a causal model computes for a token cannot depend on what comes
    after it; "left" for generation, so that all rows end together.
    """
    longest = max(len(row) for row in ids)
    input_ids = torch.full((len(ids), longest), model.pad_id, dtype=torch.long)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for number, row in enumerate(ids):
        place = slice(longest - len(row), None) if padding == "left" else slice(0, len(row))
        input_ids[number, place] = torch.tensor(row, dtype=torch.long)
        mask[number, place] = 1
    return {"input_ids": input_ids.to(model.device), "attention_mask": mask.to(model.device)}


def counted_positions(model: Model, inputs: Mapping[str, Tensor], *, all_positions: bool = False) -> Tensor:
    """Boolean (batch, tokens): True where a token counts. `inputs` as `batch` makes them, padded on either side.

    Padding never counts. The first position and special tokens do not count unless `all_positions`: they
    serve the model as attention sinks and hold no meaning of the text.
    """
    real = inputs["attention_mask"].bool()
    if all_positions:
        return real
    ids = inputs["input_ids"]
    special = torch.isin(ids, torch.tensor(sorted(model.special_ids), device=ids.device, dtype=ids.dtype))
    first = real & (real.cumsum(dim=1) == 1)
    return real & ~special & ~first
