"""Beyond sampling noise? The statistic, and what it would be if the concept's examples were no concept at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.directions.threads import one_blas_thread
from core.stats.permutation import p_value, permuted_labels
from core.tcav.cavs import CavKind, derivatives_under, unit
from core.tcav.concept import Concept
from core.tcav.covariance import Metric

PERMUTATIONS = 999


@dataclass(frozen=True, eq=False)
class Significance:
    """One concept's test over s sites, q targets and k kinds of CAV.

    statistic: (s, q, k), mean over the inputs of unit gradient . raw CAV, unnormalised. z: (s, q, k), its distance
    from the permutations' mean in their standard deviations. p: (s, q), two-sided, of the largest |z| among the kinds.
    p_largest: (s, q), the same against the largest |z| of all the concept's cells, so that looking at many of them
    is paid for. null: (b, s, q, k), the z of every permutation. centre, deviation: (s, q, k), of the statistic under
    the permutations, in its own unit.
    """

    statistic: np.ndarray
    z: np.ndarray
    p: np.ndarray
    p_largest: np.ndarray
    null: np.ndarray
    centre: np.ndarray
    deviation: np.ndarray


@one_blas_thread()
def permutation_test(
    concept: Concept,
    mean_unit_gradients: Sequence[np.ndarray],
    kinds: Sequence[CavKind],
    metrics: Sequence[Metric],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Significance:
    """Deal the labels of positives and negatives anew, whole groups at a time, and compare.

    mean_unit_gradients: per site (q, d), for each target the mean over the inputs of the gradient scaled to length 1.
    One labelling serves all sites, targets and kinds, so that their largest |z| has a distribution of its own. It is
    what tensorflow/tcav's and Captum's t-tests, which compare CAVs that share one concept set, do not hold: a level.
    """
    dealt = permuted_labels(concept.y, concept.groups, permutations, seed=seed)
    labels = np.concatenate([concept.y[None].astype(bool), dealt])
    values = np.stack(
        [
            np.stack([derivatives_under(kind, X, labels, metric, gradients) for kind in kinds], axis=-1)
            for X, metric, gradients in zip(concept.X, metrics, mean_unit_gradients, strict=True)
        ],
        axis=1,
    )
    return significance_of(values)


def significance_of(values: np.ndarray) -> Significance:
    """values: (1 + b, s, q, k), the statistic under the true labels and under b permutations."""
    # The true labelling is one of those that count, here as in the p-value: the test is then exact, whichever cell
    # has the largest |z|. The z that is shown is measured by the others alone, which orders cells alike.
    centred = _standardised(values, values)
    sizes = np.abs(centred)
    of_kinds, of_all = sizes.max(axis=-1), sizes.max(axis=(1, 2, 3))
    return Significance(
        statistic=values[0],
        z=_standardised(values[:1], values[1:])[0],
        p=p_value(of_kinds[0], of_kinds[1:]),
        p_largest=p_value(of_kinds[0], np.broadcast_to(of_all[1:, None, None], of_kinds[1:].shape)),
        null=_standardised(values[1:], values[1:]),
        centre=values[1:].mean(axis=0),
        deviation=values[1:].std(axis=0),
    )


def _standardised(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    deviation = by.std(axis=0)
    # A cell that no labelling moves (a target that does not depend on the site) is 0 throughout.
    return np.divide(values - by.mean(axis=0), deviation, out=np.zeros_like(values), where=deviation > 0)


def mean_unit_gradient(gradients: np.ndarray) -> np.ndarray:
    """(d,), mean over the inputs of each gradient scaled to length 1; gradients (m, d)."""
    return unit(gradients.astype(np.float64)).mean(axis=0)
