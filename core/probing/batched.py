"""All probes of a layer at once: methods, folds, penalties, shuffles and control tasks as matrix work.

What one split of the rows fixes (`Draws`) is drawn once and serves all layers; what one layer fixes (`Prepared`:
scaling, eigendecomposition) is computed once and serves all methods; and each method fits all label vectors together.
The fits themselves are the finders' own (`Finder.settle_on`, `Finder.fit_many`), so that a number here is the number
that `Finder.fit` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.directions import Finder, Prepared
from core.directions.threads import one_blas_thread
from core.models import Site
from core.probing.codelength import Codelength, block_ends, codelength, prefixes
from core.probing.control_task import ControlTask, control_labels
from core.probing.controls import SHUFFLES, Control, control_of, random_control, shuffles
from core.probing.result import ProbeResult
from core.probing.threshold import accuracy, best_threshold
from core.stats import auroc_intervals, aurocs


@dataclass(frozen=True, eq=False)
class Draws:
    """A split and everything drawn for it. y, groups: (n,). train, test: rows of the two parts.

    shuffled_train (runs, len(train)) and shuffled_test: labels dealt anew. words (n,): number of each text's first
    content word. task (runs, n): the control task's labels, or (0, n). order, ends: of the online code, None without.
    """

    y: np.ndarray
    groups: np.ndarray
    train: np.ndarray
    test: np.ndarray
    seed: int
    shuffled_train: np.ndarray
    shuffled_test: np.ndarray
    words: np.ndarray
    task: np.ndarray
    order: np.ndarray | None
    ends: list[int]


def draw(
    y: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seed: int,
    words: np.ndarray | None = None,
    code: bool = False,
) -> Draws:
    """What a split fixes. words: for the control task, None leaves it out. code: for the online code."""
    own, other = shuffles((y[train], groups[train]), (y[test], groups[test]), seed=seed, runs=SHUFFLES)
    task = np.zeros((0, len(y)), dtype=bool) if words is None else control_labels(words, y, train, seed)
    order, ends = block_ends(y[train], groups[train], seed) if code else (None, [])
    numbers = np.zeros(len(y), dtype=int) if words is None else words
    return Draws(y, groups, train, test, seed, own, other, numbers, task, order, ends)


def probe_layer(site: Site, finders: Sequence[Finder], X: np.ndarray, draws: Draws) -> list[ProbeResult]:
    """One probe of each method with its controls: fitted on the train rows, scored on the test rows. X: (n, d)."""
    return [result for result, _ in scored_layer(site, finders, X, draws)]


@one_blas_thread()
def scored_layer(
    site: Site, finders: Sequence[Finder], X: np.ndarray, draws: Draws
) -> list[tuple[ProbeResult, np.ndarray]]:
    """`probe_layer`, each with its scores of the test part (len(test),)."""
    train, test, y, seed = draws.train, draws.test, draws.y, draws.seed
    rows = Prepared(X[train].astype(np.float64), draws.groups[train])
    X_test = X[test] - rows.mean
    labels = np.concatenate([y[train][None] == 1, draws.shuffled_train == 1, draws.task[:, train]])
    random = random_control((rows.centred, y[train]), (X_test, y[test]), seed=seed)
    seen = [] if draws.order is None else prefixes(rows.X, rows.groups, draws.order, draws.ends)
    fitted = []
    for finder in finders:
        settled = finder.settle_on(rows, y[train] == 1, seed=seed, measure=True)
        vectors = settled.finder.fit_many(rows, labels, seed=seed)
        code: Codelength | None = None
        if draws.order is not None:
            code = codelength(finder, seen, rows.X, y[train], draws.order, draws.ends, (X_test, y[test]), seed=seed)
        fitted.append((settled, vectors @ rows.centred.T, vectors @ X_test.T, code))
    of_test = np.stack([on_test[0] for _, _, on_test, _ in fitted])
    intervals = auroc_intervals(y[test], of_test, groups=draws.groups[test], seed=seed)
    results = []
    for line, (settled, on_train, on_test, code) in enumerate(fitted):
        right = accuracy(y[test], on_test[0], best_threshold(y[train], on_train[0]))
        results.append(
            ProbeResult(
                layer=site.layer,
                site=str(site),
                method=settled.finder.name,
                auroc=float(aurocs(y[test], on_test[:1])[0]),
                auroc_ci=intervals[line],
                accuracy=right,
                n_train=len(train),
                n_test=len(test),
                cv_auroc=0.5 if settled.cv_auroc is None else settled.cv_auroc,
                settings=settled.finder.to_json()["parameters"],
                shuffled=shuffled_of(on_test, draws),
                random=random,
                control_task=control_task_of(right, on_train, on_test, draws),
                codelength=code,
            )
        )
    return list(zip(results, of_test, strict=True))


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
    """One probe with its controls: X (n, d) finite, y and groups (n,), train and test rows."""
    return probe_layer(site, [finder], X, draw(y, groups, train, test, seed=seed))[0]


def shuffled_of(on_test: np.ndarray, draws: Draws) -> Control:
    """The shuffled control. on_test: scores (1 + shuffles + task runs, m), the true labels' probe first."""
    return control_of(aurocs(draws.shuffled_test, on_test[1 : 1 + len(draws.shuffled_test)]))


def control_task_of(right: float, on_train: np.ndarray, on_test: np.ndarray, draws: Draws) -> ControlTask | None:
    """Selectivity of a probe of accuracy `right`. on_train, on_test: scores, lines as in `shuffled_of`."""
    if not len(draws.task):
        return None
    first = 1 + len(draws.shuffled_train)
    scores = []
    for line, labels in enumerate(draws.task, start=first):
        threshold = best_threshold(labels[draws.train], on_train[line])
        scores.append(accuracy(labels[draws.test], on_test[line], threshold))
    seen = np.isin(draws.words[draws.test], draws.words[draws.train])
    mean = float(np.mean(scores))
    return ControlTask(
        selectivity=right - mean,
        accuracy=right,
        control_accuracy=mean,
        control_lowest=min(scores),
        control_highest=max(scores),
        runs=len(scores),
        words=len(np.unique(draws.words)),
        known=float(seen.mean()),
    )
