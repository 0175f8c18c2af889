"""What a model would say after each of its layers: a prompt through the logit lens or a tuned lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.activations.pooling import kept_tokens
from core.errors import UserError
from core.lenses.lens import TunedLens, check_lens
from core.models import Model, Site, batch, counted_positions, logits_of_chunks, record, text_pieces, tokenize
from core.models.pieces import token_texts

MAX_LENGTH = 128  # tokens of a prompt: each costs as many logits as there are layers


@dataclass(frozen=True, eq=False)
class LensReading:
    """Layers by tokens: what each stream says of the token that comes next.

    lens: "logit" or "tuned". ids, pieces: the prompt's T tokens. layers: L, the last one being the model's own answer.
    kept: (L, T) False for first and special tokens and sinks, whose streams serve the model for something else and
    which the tuned lens was not trained on. top_ids, top_probabilities: (L, T, k), the likeliest first. entropy:
    (L, T) nats. kl: (L, T) nats, KL(final || lens), 0 where the layer says what the last one does. chosen: (T,) ids of
    the tokens that are followed, rank: (L, T) their places from 1, chosen_probability: (L, T) 0-1. cut: tokens of the
    prompt that were left out at its end.
    """

    model_id: str
    lens: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    layers: tuple[int, ...]
    kept: np.ndarray
    top_ids: np.ndarray
    top_probabilities: np.ndarray
    entropy: np.ndarray
    kl: np.ndarray
    chosen: np.ndarray
    rank: np.ndarray
    chosen_probability: np.ndarray
    texts: dict[int, str]
    cut: int

    def to_json(self) -> dict[str, Any]:
        """Plain values; tokens as [text, probability]."""
        return {
            "model_id": self.model_id,
            "lens": self.lens,
            "tokens": list(self.pieces),
            "ids": list(self.ids),
            "layers": list(self.layers),
            "cut": self.cut,
            "kept": self.kept.tolist(),
            "top": [
                [
                    [[self.texts[id], round(p, 6)] for id, p in zip(ids, ps, strict=True)]
                    for ids, ps in zip(*of_layer, strict=True)
                ]
                for of_layer in zip(self.top_ids.tolist(), self.top_probabilities.tolist(), strict=True)
            ],
            "entropy": np.round(self.entropy, 5).tolist(),
            "kl": np.round(self.kl, 5).tolist(),
            "chosen": [self.texts[id] for id in self.chosen.tolist()],
            "rank": self.rank.tolist(),
            "chosen_probability": np.round(self.chosen_probability, 6).tolist(),
        }


def read_lens(
    model: Model,
    text: str,
    *,
    layers: Sequence[int] | None = None,
    lens: TunedLens | None = None,
    k: int = 5,
    token: str | None = None,
    max_length: int = MAX_LENGTH,
) -> LensReading:
    """Read `text` through the logit lens, or through `lens`, after each of `layers` (all by default) and the last.

    token: the one whose rank is followed (with the space before it, if any); by default, at each position, the token
    that the model itself finds likeliest. Raises UserError for an empty text, or a token that is several.
    """
    if not text:
        raise UserError("The prompt is empty; write at least one word.")
    if lens is not None:
        check_lens(lens, model)
    last = model.n_layers - 1
    wanted = sorted({*(range(last) if layers is None else layers), last})
    sites = {layer: model.site(layer) for layer in wanted}
    (ids,) = tokenize(model, [text], max_length)
    inputs = batch(model, [ids])
    streams = record(model, inputs, list(sites.values()))
    counted = counted_positions(model, inputs)
    final = _log_probabilities(model, streams[sites[last]][0])
    chosen = final.argmax(dim=-1)
    if token is not None:
        chosen = torch.full_like(chosen, single_token(model, token))
    rows: list[_Row] = []
    for site in sites.values():
        h = streams[site][0]
        translated = h if lens is None else lens.translate(site.layer, h)
        said = final if site.layer == last else _log_probabilities(model, translated)
        rows.append(_row(said, final, chosen, k))
    stacked = {name: np.stack([getattr(row, name) for row in rows]) for name in _Row.__dataclass_fields__}
    kept = [kept_tokens(streams[site], counted, keep_sinks=False)[0].cpu().numpy() for site in sites.values()]
    named = sorted({*stacked["top_ids"].ravel().tolist(), *chosen.tolist()})
    return LensReading(
        model_id=model.id,
        lens="logit" if lens is None else "tuned",
        ids=tuple(ids),
        pieces=tuple(text_pieces(model, ids)),
        layers=tuple(wanted),
        kept=np.stack(kept),
        chosen=chosen.cpu().numpy(),
        texts=dict(zip(named, token_texts(model, named), strict=True)),
        cut=len(tokenize(model, [text], None)[0]) - len(ids),
        **stacked,
    )


def single_token(model: Model, text: str) -> int:
    """The id of a text that is one token. Raises UserError, naming the parts, if it is several."""
    with model.tokenizer_lock:
        ids = list(model.tokenizer(text, add_special_tokens=False)["input_ids"])
    if len(ids) != 1:
        parts = ", ".join(repr(piece) for piece in text_pieces(model, ids)) or "nothing"
        raise UserError(f"{text!r} is not one token of {model.id} but {parts}; words mostly begin with their space.")
    return int(ids[0])


@dataclass(frozen=True, eq=False)
class _Row:
    """One layer of a reading."""

    top_ids: np.ndarray
    top_probabilities: np.ndarray
    entropy: np.ndarray
    kl: np.ndarray
    rank: np.ndarray
    chosen_probability: np.ndarray


def _row(said: Tensor, final: Tensor, chosen: Tensor, k: int) -> _Row:
    """said, final: (T, vocabulary) log-probabilities. chosen: (T,) ids."""
    top = said.topk(min(k, said.shape[-1]), dim=-1)
    own = said.gather(1, chosen[:, None])
    values = (
        top.indices,
        top.values.exp(),
        -(said.exp() * said).sum(dim=-1),
        divergence(final, said),
        (said > own).sum(dim=-1) + 1,
        own[:, 0].exp(),
    )
    return _Row(*(value.cpu().numpy() for value in values))


def divergence(final: Tensor, said: Tensor) -> Tensor:
    """KL(final || said) in nats, (n,), of log-probabilities (n, vocabulary)."""
    return (final.exp() * (final - said)).sum(dim=-1).clamp(min=0)


def _log_probabilities(model: Model, h: Tensor) -> Tensor:
    return torch.cat([log_softmax(logits) for logits in logits_of_chunks(model, h)])


def log_softmax(logits: Tensor) -> Tensor:
    """In float32: probabilities of 16 bits do not add up. Tokens that the model rules out (-inf) become very rare."""
    return torch.log_softmax(logits.float().clamp(min=-1e9), dim=-1)


def all_sites(model: Model) -> list[Site]:
    """The stream after every block."""
    return [model.site(layer) for layer in range(model.n_layers)]
