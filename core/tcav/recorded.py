"""From sources of examples to concepts, and from the reference to metrics: everything that has to be recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.activations.sinks import SINK_RATIO
from core.errors import UserError
from core.models import Site
from core.progress import Listener, silent
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import Metric, identity, inverse_covariance
from core.tcav.disjoint import Item, not_among
from core.tcav.reader import Reader
from core.tcav.sources import Source

AMONG_INPUTS = "also among the inputs"  # why rows of a concept are left out


def record_concept(
    reader: Reader,
    source: Source,
    sites: Sequence[Site],
    inputs: Sequence[Item],
    *,
    one_class: bool = False,
    norms: Sequence[float] | None = None,
    progress: Listener = silent,
) -> Concept:
    """The concept at `sites`, without rows whose content is among `inputs`, sinks, and empty ones.

    norms: the sites' typical norms, where they are known already.
    """
    apart = not_among(source.items, inputs)
    used = source.only(apart)
    norms = reader.sink_norms(sites, progress) if norms is None else norms
    X: list[list[np.ndarray]] = [[] for _ in sites]
    for items, rows in zip(used.corpora, used.rows, strict=True):
        for parts, recorded in zip(X, reader.record(items, sites, progress), strict=True):
            parts.append(recorded[rows])
    shared = int((~apart).sum())
    return make_concept(
        source.name,
        [np.concatenate(parts) for parts in X],
        used.y,
        used.groups,
        norms,
        left_out={AMONG_INPUTS: shared} if shared else {},
        one_class=one_class,
        kin=source.kin,
    )


def record_metrics(
    reader: Reader, sites: Sequence[Site], inputs: Sequence[Item], *, progress: Listener = silent
) -> list[Metric]:
    """Per site the inverse covariance of the reference, without what is among `inputs` and without sinks."""
    items, recorded = reader.reference(sites, progress)
    norms = reader.sink_norms(sites, progress)
    apart = not_among(items, inputs)
    metrics = []
    for site, rows, norm in zip(sites, recorded, norms, strict=True):
        with np.errstate(invalid="ignore"):
            usable = apart & (np.linalg.norm(rows, axis=1) <= SINK_RATIO * norm)
        if not usable.any():
            raise UserError(f"Nothing of the reference can be read at {site}; choose another site.")
        metrics.append(inverse_covariance(rows[usable]))
    return metrics


def plain_metrics(widths: Sequence[int]) -> list[Metric]:
    """Where no kind of CAV asks for a covariance; the width of each site."""
    return [identity(width) for width in widths]
