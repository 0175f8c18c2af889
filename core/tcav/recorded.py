"""From sources of texts to concepts, and from the reference to metrics: everything that has to be recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.activations import Pool, record_texts, typical_norms
from core.activations.reference import LENGTH
from core.activations.sinks import SINK_RATIO
from core.errors import UserError
from core.examples import reference_texts
from core.models import Model, Site
from core.progress import Listener, silent
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import Metric, identity, inverse_covariance
from core.tcav.disjoint import not_among
from core.tcav.sources import Source


def record_concept(
    model: Model,
    source: Source,
    sites: Sequence[Site],
    inputs: Sequence[str],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    one_class: bool = False,
    progress: Listener = silent,
) -> Concept:
    """The concept at `sites`, without rows whose text is, in content, among `inputs`, sinks, and empty ones."""
    apart = not_among(source.texts, inputs)
    used = source.only(apart)
    norms = typical_norms(model, sites, progress=progress)
    X: list[list[np.ndarray]] = [[] for _ in sites]
    for texts, rows in zip(used.corpora, used.rows, strict=True):
        stores = record_texts(model, texts, sites, pool=pool, max_length=max_length, progress=progress)
        for parts, store in zip(X, stores, strict=True):
            parts.append(store.load()[rows])
    shared = int((~apart).sum())
    return make_concept(
        source.name,
        [np.concatenate(parts) for parts in X],
        used.y,
        used.groups,
        [norms[site].median for site in sites],
        left_out={"also among the inputs": shared} if shared else {},
        one_class=one_class,
    )


def record_metrics(
    model: Model,
    sites: Sequence[Site],
    inputs: Sequence[str],
    *,
    pool: Pool = "mean",
    progress: Listener = silent,
) -> list[Metric]:
    """Per site the inverse covariance of the reference: 2,000 texts, but for those among `inputs`, 64 tokens each."""
    texts = reference_texts()
    stores = record_texts(model, texts, sites, pool=pool, max_length=LENGTH, progress=progress)
    norms = typical_norms(model, sites, progress=progress)
    apart = not_among(texts, inputs)
    metrics = []
    for site, store in zip(sites, stores, strict=True):
        rows = store.load()
        with np.errstate(invalid="ignore"):
            usable = apart & (np.linalg.norm(rows, axis=1) <= SINK_RATIO * norms[site].median)
        if not usable.any():
            raise UserError(f"No text of the reference can be read at {site}; choose another site.")
        metrics.append(inverse_covariance(rows[usable]))
    return metrics


def plain_metrics(sites: Sequence[Site], width: int) -> list[Metric]:
    """Where no kind of CAV asks for a covariance."""
    return [identity(width) for _ in sites]
