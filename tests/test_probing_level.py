"""Nothing leaks and intervals hold: on real activations, over 200 runs each.

The activations are those of the first concept that `make setup` prepares: film reviews at layer 13, all 5,000 rows.
181 to 197 of 200 is the 99% band of a binomial count with a chance of 95%. The seeds were fixed beforehand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import first_concept
from core.directions import Prepared
from core.directions.threads import one_blas_thread
from core.examples import open_examples, split
from core.models import Model, Site
from core.probing import METHODS, probe_layer, shuffled_labels
from core.probing.asking import load_rows
from core.probing.batched import draw
from core.stats import auroc, auroc_intervals

RUNS = 200
BAND = range(181, 198)
SEED = 20_261
SITE = Site(first_concept.LAYER, "after", "layers.13", "output")


@pytest.fixture
def reviews(smollm2: Model, prepared_home: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X (n, 576), y, groups of all film reviews; read from the prepared workspace's store."""
    rows = load_rows(smollm2, open_examples(first_concept.EXAMPLES), [smollm2.site(first_concept.LAYER)])
    return rows.X[0].astype(np.float64), rows.y, rows.groups


@pytest.mark.slow
def test_intervals_of_shuffled_labels_cover_one_half(reviews) -> None:
    """The whole procedure, settings chosen by cross-validation and all, on 300 reviews with labels dealt anew."""
    X, y, groups = reviews
    covered = dict.fromkeys(METHODS, 0)
    for run in range(RUNS):
        rng = np.random.default_rng([SEED, run])
        chosen = np.flatnonzero(np.isin(groups, rng.permutation(np.unique(groups))[:300]))
        own = groups[chosen]
        labels = shuffled_labels(y[chosen], own, rng)
        train, test = split(labels, own, seed=run)
        for result in probe_layer(SITE, list(METHODS.values()), X[chosen], draw(labels, own, train, test, seed=run)):
            covered[result.method] += result.auroc_ci[0] <= 0.5 <= result.auroc_ci[1]
    assert all(count in BAND for count in covered.values()), covered


@pytest.mark.slow
def test_intervals_cover_the_same_probes_auroc_on_the_rows_that_remain(reviews) -> None:
    """A probe of 250 reviews, its interval from 150 others, its AUROC on the thousands that remain."""
    X, y, groups = reviews
    covered = dict.fromkeys(METHODS, 0)
    with one_blas_thread():
        for run in range(RUNS):
            order = np.random.default_rng([SEED, 1, run]).permutation(np.unique(groups))
            train, test, rest = (np.flatnonzero(np.isin(groups, part)) for part in np.split(order, [250, 400]))
            rows = Prepared(X[train], groups[train])
            settled = [finder.settle_on(rows, y[train] == 1, seed=run).finder for finder in METHODS.values()]
            scores = np.stack([one.fit_many(rows, y[train][None] == 1, seed=run)[0] for one in settled]) @ X.T
            ends = auroc_intervals(y[test], scores[:, test], groups=groups[test], seed=run)
            for method, line, (low, high) in zip(METHODS, scores, ends, strict=True):
                covered[method] += low <= auroc(y[rest], line[rest]) <= high
    assert all(count in BAND for count in covered.values()), covered
