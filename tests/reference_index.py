"""What an index should hold, found the slow way: all codes of all tokens in one table, read with plain transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.dictionaries.coder import Coder
from core.models import Model

SINK = 5.0


@dataclass(frozen=True)
class Table:
    """codes: (n, m) of all kept tokens. text, position, id: (n,). lengths: tokens of each text."""

    codes: np.ndarray
    text: np.ndarray
    position: np.ndarray
    id: np.ndarray
    lengths: list[int]


def table_of(model: Model, coder: Coder, texts: Sequence[str], layer: int, inner: bool = False) -> Table:
    """Text by text: the stream after `layer` (or the input of its down projection), first tokens and sinks left out."""
    codes, rows, positions, ids, lengths = [], [], [], [], []
    for number, text in enumerate(texts):
        own = model.tokenizer(text)["input_ids"]
        lengths.append(len(own))
        stream = _stream(model, own, layer, inner)
        sizes = stream.norm(dim=1)
        kept = list(range(1, len(own)))
        if kept:
            ordered = sorted(float(sizes[i]) for i in kept)
            median = ordered[(len(ordered) - 1) // 2]
            kept = [i for i in kept if float(sizes[i]) <= SINK * median]
        for i in kept:
            codes.append(coder.encode(stream[i : i + 1])[0].numpy())
            rows.append(number)
            positions.append(i)
            ids.append(own[i])
    return Table(np.array(codes), np.array(rows), np.array(positions), np.array(ids), lengths)


def _stream(model: Model, ids: list[int], layer: int, inner: bool) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    block = model.network.model.layers[layer]
    handle = block.mlp.down_proj.register_forward_pre_hook(lambda _m, args: seen.append(args[0][0]))
    with torch.no_grad():
        states = model.network(torch.tensor([ids]), output_hidden_states=True).hidden_states
    handle.remove()
    return seen[0] if inner else states[layer + 1][0]


def strongest(table: Table, feature: int, k: int, sign: int = 1) -> list[tuple[int, int, float]]:
    """(text, position, code) of the k texts with the largest code times sign, one token each, the first of equals."""
    best: dict[int, tuple[float, int]] = {}
    for row in range(len(table.text)):
        value = sign * float(table.codes[row, feature])
        text = int(table.text[row])
        if value > 0 and (text not in best or value > best[text][0]):
            best[text] = (value, int(table.position[row]))
    order = sorted(best, key=lambda text: (-best[text][0], text))[:k]
    return [(text, best[text][1], sign * best[text][0]) for text in order]


def window(table: Table, feature: int, text: int, position: int, before: int, after: int) -> list[float]:
    """Codes of the feature around a token, NaN where no token was kept."""
    own = {
        int(p): float(c)
        for p, c, t in zip(table.position, table.codes[:, feature], table.text, strict=True)
        if t == text
    }
    return [own.get(place, float("nan")) for place in range(position - before, position + after + 1)]


def token_shares(table: Table, feature: int) -> dict[int, float]:
    """Part of the sum of |codes| that falls on each token id."""
    sizes = np.abs(table.codes[:, feature].astype(np.float64))
    return {int(id): float(sizes[table.id == id].sum() / sizes.sum()) for id in set(table.id[sizes > 0].tolist())}
