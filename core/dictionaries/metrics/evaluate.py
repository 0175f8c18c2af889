"""All figures of a dictionary on its model, kept under a key of everything that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core import workspace
from core.activations import read_result, write_result
from core.activations.recipe import corpus_hash
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.metrics.breaking import breaking
from core.dictionaries.metrics.explained import explained_variance
from core.dictionaries.metrics.reading import read
from core.dictionaries.metrics.shape import encoder_decoder_cosine, norms
from core.examples import reference_texts
from core.models import Model, tokenize
from core.progress import Listener, silent

FORMAT = 3  # raised when a figure changes its meaning, or one comes to it
OPENING_FORMAT = 2  # the same of the opening check
OPENING_TOKENS = 2000
SCATTERED = 400  # tokens whose two norms are kept one by one
DOUBTFUL = 0.5  # explained variance below which a dictionary hardly belongs where it was put


def evaluate(
    model: Model,
    dictionary: Dictionary,
    texts: Sequence[str],
    *,
    groups: Sequence[int] | None = None,
    broken: int = 400,
    max_length: int = 256,
    progress: Listener = silent,
) -> dict[str, Any]:
    """Figures of `dictionary` (bound to `model`) over texts, best such as it was not trained on, as plain JSON.

    broken: how many of the texts the cross-entropies are measured on, four passes of the whole model each. groups:
    texts that belong together when they are drawn again or dealt into halves. The keys are described in
    docs/dictionaries.md.
    """
    key = workspace.digest(
        {
            "what": "dictionary figures",
            "format": FORMAT,
            "dictionary": dictionary.key,
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "texts": corpus_hash(texts),
            "groups": list(groups) if groups is not None else None,
            "broken": broken,
            "max_length": max_length,
        }
    )
    if (known := read_result(key)) is not None:
        return {**known, "cached": True}
    found = _measured(model, dictionary, texts, groups, broken, max_length, progress)
    write_result(key, found)
    return {**found, "cached": False}


def _measured(
    model: Model,
    dictionary: Dictionary,
    texts: Sequence[str],
    groups: Sequence[int] | None,
    broken: int,
    max_length: int,
    progress: Listener,
) -> dict[str, Any]:
    reading = read(model, dictionary, texts, groups=groups, in_parts=True, max_length=max_length, progress=progress)
    some = list(texts[:broken])
    those = None if groups is None else list(groups[:broken])
    broke = breaking(model, dictionary, some, reading.mean, groups=those, max_length=max_length, progress=progress)
    cosines = encoder_decoder_cosine(dictionary.coder)
    scatter = norms(dictionary.coder, reading.inner, reading.codes_norm)
    density = reading.density
    live = density[density > 0]
    return {
        "format": FORMAT,
        "explained_variance": reading.explained_variance,
        "ce_recovered": broke.recovered["ce_recovered"],
        "ce_recovered_mean": broke.recovered["ce_recovered_mean"],
        "l0": reading.l0,
        "dead": reading.dead,
        "intervals": {
            name: None if found is None else list(found)
            for name, found in {"explained_variance": reading.explained_interval, **broke.intervals}.items()
        },
        "kl_recovered": broke.recovered["kl_recovered"],
        "kl_recovered_mean": broke.recovered["kl_recovered_mean"],
        "cross_entropy": broke.ce,
        "kl": broke.kl,
        "components_explained": reading.components,
        "l0_quantiles": list(reading.l0_quantiles),
        "density_quantiles": [float(q) for q in np.quantile(live, [0.05, 0.25, 0.5, 0.75, 0.95])] if len(live) else [],
        "dense": float((density > 0.1).mean()),
        "encoder_decoder_cosine": None if cosines is None else float(np.mean(cosines)),
        "missing": None if reading.missing is None else asdict(reading.missing),
        "norm_ratio": float(np.median(scatter.codes / np.maximum(scatter.rebuilt, 1e-30))),
        "norm_error": float(np.mean(scatter.error)),
        "norms": {"rebuilt": scatter.rebuilt[:SCATTERED].tolist(), "codes": scatter.codes[:SCATTERED].tolist()},
        "tokens": reading.n_tokens,
        "texts": reading.n_texts,
        "tokens_predicted": broke.n_tokens,
        "tokens_replaced": broke.n_replaced,
        "positions": dictionary.card.positions,
    }


def opening_check(model: Model, dictionary: Dictionary, *, progress: Listener = silent) -> float:
    """Explained variance on 2,000 tokens of the reference: whether the dictionary belongs where it was put.

    A few seconds the first time, then from the workspace. It says nothing on texts that the dictionary has not seen:
    for that see `evaluate`.
    """
    key = workspace.digest(
        {
            "what": "opening check",
            "format": OPENING_FORMAT,
            "dictionary": dictionary.key,
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
        }
    )
    if (known := read_result(key)) is not None:
        return float(known["explained_variance"])
    reading = read(model, dictionary, _opening_texts(model), max_length=64, progress=progress)
    found = explained_variance(reading.target[:OPENING_TOKENS], reading.rebuilt[:OPENING_TOKENS])
    write_result(key, {"explained_variance": found})
    return found


def doubt(explained: float) -> str | None:
    """A sentence of warning for an explained variance that is too low, or None."""
    if explained >= DOUBTFUL:
        return None
    return (
        f"It explains only {explained:.2f} of the variance here (below {DOUBTFUL}): it may be of another model or layer"
        " or expect activations that are scaled otherwise."
    )


def _opening_texts(model: Model) -> list[str]:
    """As many of the reference's texts as surely hold 2,000 tokens that are kept."""
    texts, total = reference_texts(), 0
    for number, ids in enumerate(tokenize(model, texts[:400], 64)):
        total += max(0, len(ids) - 2)
        if total > 1.3 * OPENING_TOKENS:
            return list(texts[: number + 1])
    return list(texts[:400])
