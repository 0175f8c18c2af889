"""Beyond other concepts? Where a concept's mean cosine stands among those of concepts that are about as readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.directions.threads import one_blas_thread
from core.tcav.cavs import CavKind, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.covariance import Metric
from core.tcav.readability import plain_auroc

FEWEST = 40  # control concepts below which no share of 95% can be told
ABOVE = 0.95  # share of them that a specific concept has to exceed
NEAR = 0.1  # AUROC within which a control is about as readable
DRAWS = 20  # subsamples over which a concept's size is brought down to that of the controls


@dataclass(frozen=True)
class Specificity:
    """share: of the control concepts, how many have a smaller |mean cosine|, 0 to 1, mean over the draws. controls: how
    many there are.

    size: the largest mean cosine that could be compared, that of CAVs from as few rows as the controls have.
    """

    share: float
    controls: int
    size: float

    @property
    def beyond(self) -> bool:
        return self.share >= ABOVE


@dataclass(frozen=True, eq=False)
class Controls:
    """Other concepts at one site for one kind of CAV. aurocs: (c,). concepts: c of them, one site each."""

    concepts: tuple[Concept, ...]
    aurocs: np.ndarray


def readable_controls(concepts: Sequence[Concept], site: int, kind: CavKind, metric: Metric) -> Controls:
    """`concepts` at one of their sites, each with how well it is read there."""
    aurocs = np.array([plain_auroc(one, site, kind, metric) for one in concepts])
    return Controls(tuple(replace(one, X=(one.X[site],)) for one in concepts), aurocs)


@one_blas_thread()
def specificity(
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    auroc: float,
    mean_unit_gradients: np.ndarray,
    controls: Controls,
    *,
    seed: int = 0,
) -> list[Specificity | None]:
    """Per target in mean_unit_gradients (q, d); None with fewer than 40 control concepts.

    The controls are those whose AUROC lies within .1 of the concept's, or the 40 nearest where that are fewer. A CAV
    from few rows points partly nowhere, which makes its cosines smaller; so that sizes compare, the concept is drawn
    down to the controls' median size, and larger controls to the concept's. Draws are compared one by one: their mean
    would spread less than one CAV from as few rows does, and any small concept would stand out among such means.
    """
    others = [
        place for place, one in enumerate(controls.concepts) if concept.name not in one.kin and one.name != concept.name
    ]
    if len(others) < FEWEST:
        return [None] * len(mean_unit_gradients)
    gaps = np.abs(controls.aurocs[others] - auroc)
    ordered = np.argsort(gaps, kind="stable")
    chosen = [others[place] for place in ordered[: max(FEWEST, int((gaps <= NEAR).sum()))]]
    rng = np.random.default_rng(seed)
    sizes = [(controls.concepts[place].n_positives, controls.concepts[place].n_negatives) for place in chosen]
    usual = (int(np.median([p for p, _ in sizes])), int(np.median([n for _, n in sizes])))
    own = _sizes(rng, concept, site, kind, metric, usual, mean_unit_gradients)
    mine = (concept.n_positives, concept.n_negatives)
    drawn = [_sizes(rng, controls.concepts[place], 0, kind, metric, mine, mean_unit_gradients) for place in chosen]
    both = (DRAWS, len(mean_unit_gradients))
    theirs = np.stack([np.broadcast_to(one, both) for one in drawn])
    shares = (theirs < np.broadcast_to(own, both)).mean(axis=(0, 1))
    return [
        Specificity(float(share), len(chosen), float(size))
        for share, size in zip(shares, own.mean(axis=0), strict=True)
    ]


def _sizes(
    rng: np.random.Generator,
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    most: tuple[int, int],
    gradients: np.ndarray,
) -> np.ndarray:
    """|mean cosine| (20, q) of subsamples with at most so many positives and negatives; (1, q) if all may stay."""
    places = {label: np.flatnonzero(concept.y == label) for label in (1, 0)}
    wanted = {label: min(len(places[label]), limit) for label, limit in zip((1, 0), most, strict=True)}
    whole = all(wanted[label] == len(places[label]) for label in (1, 0))
    found = []
    for _ in range(1 if whole else DRAWS):
        rows = np.concatenate([rng.choice(places[label], wanted[label], replace=False) for label in (1, 0)])
        cav = raw_cavs(kind, concept.X[site][rows], concept.y[None, rows].astype(bool), metric)[0]
        found.append(np.abs(gradients @ unit(cav)))
    return np.stack(found)
