"""One probe and what it says of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import Pool
from core.directions import Finder, Prepared
from core.directions.threads import one_blas_thread
from core.examples import Examples, split
from core.models import AnyModel
from core.probing.asking import finders_of, load_rows
from core.probing.platt import Platt, fit_platt
from core.probing.threshold import best_threshold
from core.progress import Listener, silent


@dataclass(frozen=True, eq=False)
class Reading:
    """A probe of one layer, fitted on the train part: the very one that a sweep of the same seed scores.

    score = (activation - centre) @ vector. scores: (n,) of all rows. held_out: (len(train),) of the train rows, by the
    fold that each was not in, or the plain scores where the rows were too few to fold. platt: from score to
    probability, fitted on `held_out`. threshold: a score above it is called positive; the best cut of the train part.
    kept: (n,) places of the rows in the examples. train, test: row numbers.
    """

    layer: int
    site: str
    method: str
    settings: dict[str, Any]
    vector: np.ndarray
    centre: np.ndarray
    platt: Platt
    threshold: float
    y: np.ndarray
    groups: np.ndarray
    kept: np.ndarray
    train: np.ndarray
    test: np.ndarray
    scores: np.ndarray
    held_out: np.ndarray

    def score(self, X: np.ndarray) -> np.ndarray:
        """Scores (...) of activations (..., d)."""
        return np.asarray((X - self.centre) @ self.vector)

    def probability(self, X: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, 0-1, (...) of activations (..., d) pooled as the examples were."""
        return self.platt.probability(self.score(X))


def read_probe(
    model: AnyModel,
    examples: Examples,
    layer: int,
    method: str | Finder,
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> Reading:
    """The probe of `method` at `layer`; a fraction of a second where the activations are stored."""
    site, (finder,) = model.site(layer), finders_of([method])
    rows = load_rows(model, examples, [site], pool=pool, max_length=max_length, progress=progress)
    train, test = split(rows.y, rows.groups, seed=seed)
    return reading_of(finder, rows.X[0], rows.y, rows.groups, rows.kept, train, test, layer, str(site), seed=seed)


@one_blas_thread()
def reading_of(
    finder: Finder,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    kept: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    layer: int = 0,
    site: str = "",
    *,
    seed: int = 0,
) -> Reading:
    """`read_probe` on arrays. X: (n, d). y, groups, kept: (n,). train, test: rows."""
    X = X.astype(np.float64)
    rows = Prepared(X[train], groups[train])
    settled = finder.settle_on(rows, y[train] == 1, seed=seed, measure=True)
    vector = settled.finder.fit_many(rows, y[train][None] == 1, seed=seed)[0]
    scores = (X - rows.mean) @ vector
    held_out = scores[train] if settled.scores is None else settled.scores
    return Reading(
        layer=layer,
        site=site,
        method=finder.name,
        settings=settled.finder.to_json()["parameters"],
        vector=vector,
        centre=rows.mean,
        platt=fit_platt(held_out, y[train]),
        threshold=best_threshold(y[train], scores[train]),
        y=y,
        groups=groups,
        kept=kept,
        train=train,
        test=test,
        scores=scores,
        held_out=held_out,
    )
