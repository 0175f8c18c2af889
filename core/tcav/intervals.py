"""How far the scores could lie elsewhere with other positives, other negatives and other inputs of the same kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.directions.threads import one_blas_thread
from core.stats.bias_corrected import bias_corrected
from core.stats.bootstrap import draw_counts
from core.stats.shares import share_interval
from core.tcav.cavs import CavKind, outside, unit
from core.tcav.concept import Concept
from core.tcav.covariance import Metric
from core.tcav.scores import Scores, share_positive

RESAMPLES = 1000
REFITS = 200  # for kinds of CAV that have to be fitted anew each time
SOURCES = ("positives", "negatives", "inputs")


@dataclass(frozen=True)
class Intervals:
    """95% intervals, bootstrap of positives, negatives and inputs together, whole groups, bias-corrected.

    What they are intervals for: the score that a CAV from all such positives and negatives would have over all such
    inputs. shares: of the sign score's variance, how much comes from positives, from negatives and from inputs, each
    drawn anew with the others held fast; they sum to 1 (to 0 where nothing varies). Where all inputs agree in sign,
    resamples of them agree too; the interval of `sign` then reaches at least as far as that of a share that was counted
    in as many independent inputs.
    """

    sign: tuple[float, float]
    mean_derivative: tuple[float, float]
    mean_cosine: tuple[float, float]
    shares: dict[str, float]


@one_blas_thread()
def bootstrap(
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    gradients: Mapping[str, np.ndarray],
    input_groups: np.ndarray,
    found: Mapping[str, Scores],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    taken: np.ndarray | None = None,
) -> dict[str, Intervals]:
    """Intervals of the scores of each target in `gradients` (name -> (m, d)), around those `found`.

    input_groups: (m,); equal inputs are drawn together. One set of resamples serves all targets. taken:
    orthonormal directions (r, d) that are taken out of every CAV.
    """
    times = resamples if kind.many is None else min(resamples, REFITS)
    rng = np.random.default_rng(seed)
    rows = class_counts(rng, concept, times)
    of_inputs = row_counts(rng, input_groups, times)
    moved = {name: moved_cavs(concept, site, kind, metric, rows, name) for name in ("both", *SOURCES)}
    if taken is not None:
        moved = {name: unit(outside(cavs, taken)) for name, cavs in moved.items()}
    independent = len(np.unique(input_groups))
    return {
        target: _of_target(G.astype(np.float64), moved, of_inputs, found[target], independent)
        for target, G in gradients.items()
    }


def _of_target(
    G: np.ndarray, moved: dict[str, np.ndarray], of_inputs: np.ndarray, found: Scores, independent: int
) -> Intervals:
    lengths = np.linalg.norm(G, axis=1)
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    derivatives = {name: cavs @ G.T for name, cavs in moved.items()}
    weights = of_inputs / of_inputs.sum(axis=1, keepdims=True)
    both = derivatives["both"]
    variances = {
        "positives": float(share_positive(derivatives["positives"]).var()),
        "negatives": float(share_positive(derivatives["negatives"]).var()),
        "inputs": float(share_positive(derivatives["inputs"], of_inputs).var()),
    }
    total = sum(variances.values())
    return Intervals(
        sign=_of_sign(found.sign, share_positive(both, of_inputs), independent),
        mean_derivative=bias_corrected(found.mean_derivative, (both * weights).sum(axis=1)),
        mean_cosine=bias_corrected(found.mean_cosine, (both * inverse * weights).sum(axis=1)),
        shares={name: variance / total if total else 0.0 for name, variance in variances.items()},
    )


def _of_sign(sign: float, resamples: np.ndarray, independent: int) -> tuple[float, float]:
    low, high = bias_corrected(sign, resamples)
    if sign not in (0.0, 1.0):
        return low, high
    least, most = share_interval(independent if sign else 0, independent)
    return min(low, least), max(high, most)


def class_counts(rng: np.random.Generator, concept: Concept, times: int) -> dict[int, np.ndarray]:
    """Resamples of the positives' rows and of the negatives'; a group that holds both (a pair) is drawn for both."""
    of_class = {label: concept.groups[concept.y == label] for label in (1, 0)}
    torn = np.intersect1d(of_class[1], of_class[0])
    together = dict(zip(torn.tolist(), row_counts(rng, torn, times).T, strict=True)) if len(torn) else {}
    found = {}
    for label, groups in of_class.items():
        counts = np.zeros((times, len(groups)))
        alone = ~np.isin(groups, torn)
        if alone.any():
            counts[:, alone] = row_counts(rng, groups[alone], times)
        for place in np.flatnonzero(~alone):
            counts[:, place] = together[int(groups[place])]
        found[label] = counts
    return found


def row_counts(rng: np.random.Generator, groups: np.ndarray, times: int) -> np.ndarray:
    """How often each row stands in each resample of whole groups: (times, rows)."""
    members = np.unique(groups, return_inverse=True)[1]
    return draw_counts(rng, times, int(members.max()) + 1)[:, members].astype(np.float64)


def moved_cavs(
    concept: Concept, site: int, kind: CavKind, metric: Metric, rows: dict[int, np.ndarray], which: str
) -> np.ndarray:
    """Unit CAVs (times, d) with the rows of `which` drawn anew ("both" classes, one of them, or none: "inputs")."""
    X, y = concept.X[site], concept.y
    drawn = {
        label: counts if which in ("both", name) else None
        for (label, counts), name in zip(rows.items(), ("positives", "negatives"), strict=True)
    }
    if which == "inputs":
        drawn = dict.fromkeys(rows)
    if kind.many is None:
        means = {
            label: X[y == label].mean(axis=0)[None]
            if counts is None
            else counts @ X[y == label] / counts.sum(axis=1, keepdims=True)
            for label, counts in drawn.items()
        }
        raw = means[1] - means[0]
        return unit(metric.times(raw) if kind.whitened else raw)
    return unit(np.stack([_refitted(kind, X, y, drawn, turn) for turn in range(_turns(drawn))]))


def _turns(drawn: dict[int, np.ndarray | None]) -> int:
    return max((len(counts) for counts in drawn.values() if counts is not None), default=1)


def _refitted(
    kind: CavKind, X: np.ndarray, y: np.ndarray, drawn: dict[int, np.ndarray | None], turn: int
) -> np.ndarray:
    assert kind.many is not None
    chosen = []
    for label, counts in drawn.items():
        rows = np.flatnonzero(y == label)
        chosen.append(rows if counts is None else np.repeat(rows, counts[turn].astype(np.int64)))
    places = np.concatenate(chosen)
    return kind.many(X[places], y[None, places].astype(bool))[0]
