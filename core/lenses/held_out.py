"""How far each layer is from the model's own answer, on texts that no lens was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.lenses.lens import TunedLens
from core.lenses.reading import divergence, log_softmax
from core.lenses.streams import read_streams, spread
from core.models import Model, logits_of_chunks
from core.progress import Listener, Progress, silent
from core.stats import mean_interval

PER_TEXT = 20  # tokens of a text that are scored: neighbours say much the same
TEXTS_AT_ONCE = 16


def score_lens(
    model: Model, lens: TunedLens, ids: Sequence[Sequence[int]], rows: Sequence[int], progress: Listener = silent
) -> dict[str, Any]:
    """Per layer of the lens KL(final || lens) in nats, of the tuned and of the logit lens, over tokens of `rows`.

    95% intervals are bootstrapped over whole texts; `gain` is the logit lens's divergence less the tuned one's, on the
    same tokens. `agree`: share 0-1 of tokens whose likeliest next token is the model's own.
    """
    sites = [model.site(layer) for layer in (*lens.layers, model.n_layers - 1)]
    values: list[np.ndarray] = []  # (tokens, layers, [tuned, logit, tuned agrees, logit agrees])
    texts: list[np.ndarray] = []
    for start in range(0, len(rows), TEXTS_AT_ONCE):
        progress(Progress(start, len(rows), "texts", "scoring held-out texts"))
        streams, origin = read_streams(model, ids, rows[start : start + TEXTS_AT_ONCE], sites)
        places = torch.from_numpy(spread(origin, PER_TEXT)).to(model.device)
        final = _said(model, streams[sites[-1]][places])
        of_layers = []
        for site in sites[:-1]:
            h = streams[site][places]
            both = [_compared(final, _said(model, x)) for x in (lens.translate(site.layer, h), h)]
            of_layers.append(np.stack([both[0][0], both[1][0], both[0][1], both[1][1]], axis=1))
        values.append(np.stack(of_layers, axis=1))
        texts.append(origin[places.cpu().numpy()])
    progress(Progress(len(rows), len(rows), "texts", "scoring held-out texts"))
    return _summary(np.concatenate(values), np.concatenate(texts), lens.layers)


def _said(model: Model, h: Tensor) -> Tensor:
    return torch.cat([log_softmax(logits) for logits in logits_of_chunks(model, h)])


def _compared(final: Tensor, said: Tensor) -> tuple[np.ndarray, np.ndarray]:
    agree = (final.argmax(dim=-1) == said.argmax(dim=-1)).float()
    return divergence(final, said).cpu().numpy(), agree.cpu().numpy()


def _summary(values: np.ndarray, texts: np.ndarray, layers: tuple[int, ...]) -> dict[str, Any]:
    tuned, logit, agree_tuned, agree_logit = np.moveaxis(values.astype(np.float64), 2, 0)
    columns = np.concatenate([tuned, logit, logit - tuned], axis=1)
    low, high = (end.reshape(3, -1) for end in mean_interval(columns, groups=texts))
    means = columns.mean(axis=0).reshape(3, -1)
    names = ("tuned", "logit", "gain")
    return {
        "n_tokens": len(values),
        "n_texts": len(np.unique(texts)),
        "unit": "nats",
        "layers": [
            {
                "layer": layer,
                **{f"{name}_kl": float(means[row, place]) for row, name in enumerate(names)},
                **{f"{name}_ci": [float(low[row, place]), float(high[row, place])] for row, name in enumerate(names)},
                "tuned_agree": float(agree_tuned[:, place].mean()),
                "logit_agree": float(agree_logit[:, place].mean()),
            }
            for place, layer in enumerate(layers)
        ],
    }
