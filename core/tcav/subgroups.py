"""Scores by subgroup of the inputs: does the answer depend on the concept more for some than for others?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.stats.bias_corrected import bias_corrected
from core.tcav.cavs import CavKind
from core.tcav.concept import Concept
from core.tcav.covariance import Metric
from core.tcav.entanglement import cav_of
from core.tcav.intervals import RESAMPLES, class_counts, moved_cavs, row_counts
from core.tcav.scores import Scores, scores, share_positive

FEWEST = 4  # groups of inputs below which a subgroup has no interval


@dataclass(frozen=True)
class Difference:
    """One subgroup's score minus another's, with 95% intervals from the same resamples for both.

    sign: -1 to 1. cosine: of the mean cosines, -2 to 2.
    """

    one: str
    other: str
    sign: float
    sign_ci: tuple[float, float]
    cosine: float
    cosine_ci: tuple[float, float]


@dataclass(frozen=True)
class Subgroups:
    """scores, sizes: per subgroup, in the order in which they first appear. left_out: those of too few inputs."""

    scores: dict[str, Scores]
    sizes: dict[str, int]
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]


@one_blas_thread()
def by_subgroup(
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    gradients: np.ndarray,
    input_groups: np.ndarray,
    subgroups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Subgroups:
    """gradients: (m, d). input_groups: (m,). subgroups: a name per input, '' for one that belongs to none.

    Raises UserError unless two subgroups have 4 independent inputs each.
    """
    if kind.many is not None:
        raise UserError(f"Subgroups are compared with diffmean or lda, not with {kind.name}.")
    names = np.array(subgroups)
    found = [name for name in dict.fromkeys(subgroups) if name]
    places = {name: np.flatnonzero(names == name) for name in found}
    kept = [name for name in found if len(np.unique(input_groups[places[name]])) >= FEWEST]
    if len(kept) < 2:
        raise UserError(f"Only {len(kept)} of the subgroups have {FEWEST} independent inputs; two are needed.")
    G = gradients.astype(np.float64)
    cav = cav_of(concept, site, kind, metric)
    own = {name: scores(G[places[name]], cav) for name in kept}
    rng = np.random.default_rng(seed)
    # One set of CAVs serves all subgroups: what they share cancels in a difference.
    cavs = moved_cavs(concept, site, kind, metric, class_counts(rng, concept, resamples), "both")
    drawn = {name: _resampled(rng, cavs, G[places[name]], input_groups[places[name]]) for name in kept}
    differences = []
    for one, other in combinations(kept, 2):
        sign, cosine = own[one].sign - own[other].sign, own[one].mean_cosine - own[other].mean_cosine
        differences.append(
            Difference(
                one,
                other,
                sign,
                bias_corrected(sign, drawn[one][0] - drawn[other][0]),
                cosine,
                bias_corrected(cosine, drawn[one][1] - drawn[other][1]),
            )
        )
    left_out = tuple(name for name in found if name not in kept)
    return Subgroups(own, {name: len(places[name]) for name in kept}, tuple(differences), left_out)


def _resampled(
    rng: np.random.Generator, cavs: np.ndarray, G: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sign score and mean cosine of each resample, (r,) each, the subgroup's inputs drawn anew."""
    counts = row_counts(rng, groups, len(cavs))
    derivatives, lengths = cavs @ G.T, np.linalg.norm(G, axis=1)
    cosines = np.divide(derivatives, lengths, out=np.zeros_like(derivatives), where=lengths > 0)
    return share_positive(derivatives, counts), (cosines * counts).sum(axis=1) / counts.sum(axis=1)
