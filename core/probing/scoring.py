"""One probe at one site, fitted and scored on arrays."""

from __future__ import annotations

import numpy as np

from core.directions import Finder
from core.directions.threads import one_blas_thread
from core.models import Site
from core.probing.controls import random_control, shuffled_control
from core.probing.result import ProbeResult
from core.probing.threshold import accuracy, best_threshold
from core.stats import auroc, auroc_interval


@one_blas_thread()
def probe(
    site: Site,
    finder: Finder,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seed: int = 0,
) -> ProbeResult:
    """One probe with its controls: fitted on the train rows, scored on the test rows.

    X: (n, d) finite. y, groups: (n,). train, test: rows.
    """
    X_train, X_test = X[train].astype(np.float64), X[test].astype(np.float64)
    settled = finder.settle(X_train, y[train], groups=groups[train], seed=seed)
    vector = settled.finder.fit(X_train, y[train], groups=groups[train], seed=seed)
    scores = X_test @ vector
    whole = settled.finder.to_json()
    return ProbeResult(
        layer=site.layer,
        site=str(site),
        method=finder.name,
        auroc=auroc(y[test], scores),
        auroc_ci=auroc_interval(y[test], scores, groups=groups[test], seed=seed),
        accuracy=accuracy(y[test], scores, best_threshold(y[train], X_train @ vector)),
        n_train=len(train),
        n_test=len(test),
        cv_auroc=0.5 if settled.cv_auroc is None else settled.cv_auroc,
        settings=whole["parameters"],
        shuffled=shuffled_control(
            settled.finder, (X_train, y[train], groups[train]), (X_test, y[test], groups[test]), seed=seed
        ),
        random=random_control((X_train, y[train]), (X_test, y[test]), seed=seed),
    )
