"""Batched probing against a scikit-learn loop over the same fits: layers x methods x seeds, folds, penalties, shuffles.

Ours is what a sweep calls for each layer and split, intervals and random directions included. The loop does the fits
and their AUROCs alone, one after the other, as a notebook would: a pipeline of StandardScaler and
LogisticRegressionCV, Ridge over folds and penalties, Ledoit and Wolf's covariance, a truncated SVD of the paired
differences, each with five more fits on shuffled labels. Both read the same activations with the same splits, and the
run fails if any AUROC differs by more than .01.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.linear_model import Ridge as SkRidge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report, tell
from core.directions.logistic import STRENGTHS
from core.directions.pca import pairs
from core.directions.prepared import inner_folds
from core.directions.ridge import PENALTIES
from core.directions.threads import one_blas_thread
from core.examples import open_examples, split
from core.first_concept import EXAMPLES
from core.models import Site, open_model
from core.probing import METHODS
from core.probing.asking import load_rows
from core.probing.batched import Draws, draw, probe_layer

LAYERS = (0, 7, 14, 21, 28)
ROWS = 500  # as in the table of all bundled sets
SEEDS = (0, 1)
WITHIN = 0.01

Scores = dict[tuple[int, int, str], float]


class Fit(Protocol):
    """Rows and their labels to a vector. chosen: which rows of the train part they are, where not all."""

    def __call__(self, rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Part:
    """A train part: what a loop chooses settings on."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    seed: int

    @property
    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return inner_folds(self.y, self.groups, k=5, seed=self.seed)


Settle = Callable[[Part], Fit]


@dataclass(frozen=True, eq=False)
class Task:
    """Activations of each layer, (n, d), and the splits."""

    sites: list[Site]
    X: list[np.ndarray]
    draws: list[Draws]


def make_task(limit: int) -> Task:
    """The first concept, recorded where it is not stored yet."""
    model, examples = open_model("smollm2"), open_examples(EXAMPLES, limit=limit)
    sites = [model.site(layer) for layer in LAYERS]
    rows = load_rows(model, examples, sites)
    draws = [draw(rows.y, rows.groups, *split(rows.y, rows.groups, seed=seed), seed=seed) for seed in SEEDS]
    return Task(sites, rows.X, draws)


def batched(task: Task, into: Scores) -> Work:
    """Ours."""

    def work() -> float:
        for site, X in zip(task.sites, task.X, strict=True):
            for one in task.draws:
                for result in probe_layer(site, list(METHODS.values()), X, one):
                    into[site.layer, one.seed, result.method] = result.auroc
        return len(task.sites) * len(task.draws) * len(METHODS)

    return work


def loop(task: Task, into: Scores) -> Work:
    """scikit-learn, one fit after the other, its matrix products on one thread too (more made it slower here)."""

    def work() -> float:
        with one_blas_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for site, X in zip(task.sites, task.X, strict=True):
                for one in task.draws:
                    for method, settle in PEERS.items():
                        into[site.layer, one.seed, method] = _one(X.astype(float), one, settle)
        return len(task.sites) * len(task.draws) * len(METHODS)

    return work


def _one(X: np.ndarray, draws: Draws, settle: Settle) -> float:
    """Choose settings by cross-validation, fit, score; fit and score the shuffles; the AUROC of the true labels."""
    train, test, y = draws.train, draws.test, draws.y
    part = Part(X[train], y[train], draws.groups[train], draws.seed)
    fit = settle(part)
    for own, other in zip(draws.shuffled_train, draws.shuffled_test, strict=True):
        roc_auc_score(other, X[test] @ fit(part.X, own))
    return float(roc_auc_score(y[test], X[test] @ fit(part.X, part.y)))


def _cross_validated(fit: Fit, part: Part, X: np.ndarray) -> float:
    return float(np.mean([roc_auc_score(part.y[b], X[b] @ fit(X[a], part.y[a], a)) for a, b in part.parts]))


def _logistic(part: Part) -> Fit:
    chosen = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=part.parts,
            scoring="roc_auc",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
            max_iter=300,
        ),
    ).fit(part.X, part.y)
    c = chosen[-1].C_

    def fit(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        made = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300)).fit(rows, labels)
        return made[-1].coef_[0] / made[0].scale_

    return fit


def _ridge(part: Part) -> Fit:
    Z = StandardScaler().fit_transform(part.X)

    def bare(penalty: float) -> Fit:
        return lambda rows, labels, chosen=None: SkRidge(alpha=penalty * len(rows)).fit(rows, labels).coef_

    scores = [_cross_validated(bare(penalty), part, Z) for penalty in PENALTIES]
    best = bare(PENALTIES[int(np.argmax(scores))])

    def fit(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        scaler = StandardScaler().fit(rows)
        return best(scaler.transform(rows), labels) / scaler.scale_

    return fit


def _lda(part: Part) -> Fit:
    def bare(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        means = [rows[labels == side].mean(axis=0) for side in (0, 1)]
        covariance = ledoit_wolf(rows - np.where(labels[:, None] == 1, means[1], means[0]), assume_centered=True)[0]
        return np.linalg.solve(covariance, means[1] - means[0])

    def fit(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        scaler = StandardScaler().fit(rows)
        return bare(scaler.transform(rows), labels) / scaler.scale_

    _cross_validated(bare, part, StandardScaler().fit_transform(part.X))
    return fit


def _diffmean(part: Part) -> Fit:
    def fit(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        return rows[labels == 1].mean(axis=0) - rows[labels == 0].mean(axis=0)

    _cross_validated(fit, part, part.X)
    return fit


def _pca(part: Part) -> Fit:
    def fit(rows: np.ndarray, labels: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        groups = part.groups if chosen is None else part.groups[chosen]
        positives, negatives = pairs(labels == 1, groups, part.seed)
        D = rows[positives] - rows[negatives]
        axis = TruncatedSVD(n_components=1, algorithm="arpack", random_state=0).fit(D).components_[0]
        return axis * np.sign(np.sum(np.sign(D @ axis)))

    _cross_validated(fit, part, part.X)
    return fit


PEERS: dict[str, Settle] = {"logistic": _logistic, "diffmean": _diffmean, "ridge": _ridge, "lda": _lda, "pca": _pca}


def compare_probing(rounds: int, limit: int) -> list[Comparison]:
    task = make_task(limit)
    ours: Scores = {}
    theirs: Scores = {}
    rates = alternate({"ours": batched(task, ours), "scikit-learn loop": loop(task, theirs)}, rounds)
    differences = {key: abs(ours[key] - theirs[key]) for key in theirs}
    worst = max(differences, key=differences.__getitem__)
    tell(f"largest difference of AUROC: {differences[worst]:.4f} ({worst})")
    if differences[worst] > WITHIN:
        raise AssertionError(f"the two do not fit the same probes: {worst}: {ours[worst]} and {theirs[worst]}")
    return [compare("probe-vs-scikit-learn-loop", "probes/s", rates["ours"], rates["scikit-learn loop"])]


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--limit", type=int, default=ROWS, help=f"rows of the set (default {ROWS})")
    chosen = options.parse_args()
    report(compare_probing(chosen.rounds, chosen.limit), chosen.json)


if __name__ == "__main__":
    main()
