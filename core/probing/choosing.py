"""Which layer: three answers to where two classes differ most, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations import Pool
from core.directions import FINDERS, Finder, Prepared
from core.directions.threads import one_blas_thread
from core.examples import Examples, split
from core.models import AnyModel, opened
from core.probing.asking import check_pool, finders_of, key_of, load_rows, remembered, sites_of
from core.probing.controls import shuffled_labels
from core.progress import Listener, Progress, silent
from core.stats import auroc, auroc_interval
from core.stats.norms import distance_of_means

VERSION = 4
BINS = 10
SHUFFLES = 20


@dataclass(frozen=True)
class LayerScores:
    """How much the classes differ at one layer. All but auroc are of the train part, so that they may choose the layer.

    cv_auroc: cross-validated AUROC; auroc, auroc_ci: held out, 0-1. mean_difference: length of the difference of means
    in typical norms of the layer, less what it has by chance, >= 0. js_projection: Jensen-Shannon divergence, bits,
    0-1, between the classes' held-out positions along the difference of means, in ten bins that hold equally many rows;
    js_chance: the mean of it over shuffled labels, above 0 since rows are few.
    """

    layer: int
    cv_auroc: float
    auroc: float
    auroc_ci: tuple[float, float]
    mean_difference: float
    js_projection: float
    js_chance: float


@dataclass(frozen=True)
class LayerChoice:
    """Which layer each measure names, and whether they agree.

    layers: in their order. by_auroc (cross-validated), by_norm, by_divergence: the layer that each names. agree:
    whether all lie within one layer of each other. correlations: Spearman's, -1 to 1, over the layers: AUROC with
    norm, AUROC with divergence, norm with divergence; None with fewer than 3 layers or where one does not vary.
    """

    method: str
    layers: tuple[LayerScores, ...]
    by_auroc: int
    by_norm: int
    by_divergence: int
    agree: bool
    correlations: tuple[float | None, float | None, float | None]


def layer_choice(
    model: AnyModel,
    examples: Examples,
    layers: Sequence[int],
    *,
    method: str | Finder = "logistic",
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> LayerChoice:
    """Compare the layers by AUROC of `method`, mean difference and divergence. Kept in the workspace."""
    check_pool(pool)
    sites, (finder,) = sites_of(model, layers), finders_of([method])

    def compute() -> LayerChoice:
        from core.activations import typical_norms

        norms = typical_norms(opened(model), sites, progress=progress)
        rows = load_rows(model, examples, sites, pool=pool, max_length=max_length, progress=progress)
        train, test = split(rows.y, rows.groups, seed=seed)
        found: list[LayerScores] = []
        for site, X in zip(sites, rows.X, strict=True):
            progress(Progress(len(found), len(sites), "layers", "comparing layers"))
            scores = _scores(site.layer, finder, X, rows.y, rows.groups, train, test, norms[site].median, seed)
            found.append(scores)
        progress(Progress(len(sites), len(sites), "layers", "comparing layers"))
        return choice_of(finder.name, found)

    key = key_of(
        model,
        examples,
        sites,
        pool=pool,
        max_length=max_length,
        result="layer choice",
        version=VERSION,
        method=finder.to_json(),
        seed=seed,
    )
    return remembered(model, LayerChoice, key, compute)


def choice_of(method: str, layers: Sequence[LayerScores]) -> LayerChoice:
    """Which layer each measure names, the earlier one of equals, and whether they agree."""
    measures = [
        np.array([one.cv_auroc for one in layers]),
        np.array([one.mean_difference for one in layers]),
        np.array([one.js_projection for one in layers]),
    ]
    named = [layers[int(np.argmax(values))].layer for values in measures]
    a, b, c = measures
    return LayerChoice(
        method=method,
        layers=tuple(layers),
        by_auroc=named[0],
        by_norm=named[1],
        by_divergence=named[2],
        agree=max(named) - min(named) <= 1,
        correlations=(spearman(a, b), spearman(a, c), spearman(b, c)),
    )


@one_blas_thread()
def _scores(
    layer: int,
    finder: Finder,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    typical: float,
    seed: int,
) -> LayerScores:
    rows = Prepared(X[train].astype(np.float64), groups[train])
    labels = y[train] == 1
    settled = finder.settle_on(rows, labels, seed=seed, measure=True)
    scores = (X[test] - rows.mean) @ settled.finder.fit_many(rows, labels[None], seed=seed)[0]
    rng = np.random.default_rng(seed)
    chance = [_projected(rows, shuffled_labels(y[train], groups[train], rng) == 1, seed) for _ in range(SHUFFLES)]
    return LayerScores(
        layer=layer,
        cv_auroc=0.5 if settled.cv_auroc is None else settled.cv_auroc,
        auroc=auroc(y[test], scores),
        auroc_ci=auroc_interval(y[test], scores, groups=groups[test], seed=seed),
        mean_difference=distance_of_means(rows.X, labels, groups=rows.groups) / typical,
        js_projection=_projected(rows, labels, seed),
        js_chance=float(np.mean(chance)),
    )


def _projected(rows: Prepared, labels: np.ndarray, seed: int) -> float:
    """Divergence between the classes' positions along the difference of means of the folds that they were not in."""
    positions = FINDERS["diffmean"].settle_on(rows, labels, seed=seed, measure=True).scores
    if positions is None:
        return 0.0
    edges = np.quantile(positions, np.linspace(0, 1, BINS + 1)[1:-1])
    places = np.searchsorted(edges, positions, side="right")
    counts = [np.bincount(places[labels == side], minlength=BINS) for side in (True, False)]
    return jensen_shannon(*(count / count.sum() for count in counts))


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon divergence of two distributions in bits, 0 to 1: the mean of KL(p || m) and KL(q || m) with
    m = (p + q) / 2 (Lin 1991)."""
    m = (p + q) / 2

    def divergence(one: np.ndarray) -> float:
        some = one > 0
        return float(np.sum(one[some] * np.log2(one[some] / m[some])))

    return min(1.0, max(0.0, (divergence(p) + divergence(q)) / 2))


def spearman(a: np.ndarray, b: np.ndarray) -> float | None:
    """Rank correlation (equals share their mean rank), or None where it is not defined."""
    if len(a) < 3:
        return None
    ranks = [(values[:, None] > values).sum(axis=1) + (values[:, None] == values).sum(axis=1) / 2 for values in (a, b)]
    spreads = [one.std() for one in ranks]
    if not min(spreads) > 0:
        return None
    return float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())) / (spreads[0] * spreads[1]))
