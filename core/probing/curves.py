"""Learning curve: how many labelled texts a probe needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations import Pool
from core.directions import Finder, Prepared
from core.directions.threads import one_blas_thread
from core.examples import Examples, split
from core.models import AnyModel
from core.probing.asking import check_pool, finders_of, key_of, load_rows, remembered
from core.probing.codelength import block_ends
from core.progress import Listener, Progress, silent
from core.stats import aurocs

VERSION = 3
ORDERS = 5


@dataclass(frozen=True)
class Point:
    """AUROC, 0-1, on the whole test part of probes trained on about n rows: mean, lowest and highest over orders."""

    n: int
    auroc: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Curve:
    """points: by number of training rows, each about twice the one before; the last is the whole train part."""

    method: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LearningCurve:
    """A curve per method. orders: how many random orders of the train part's groups the points are taken over."""

    layer: int
    curves: tuple[Curve, ...]
    orders: int
    n_test: int


def learning_curve(
    model: AnyModel,
    examples: Examples,
    layer: int,
    methods: Sequence[str | Finder],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> LearningCurve:
    """Probes of growing parts of the train part, each settled within its own part. Kept in the workspace."""
    check_pool(pool)
    site, finders = model.site(layer), finders_of(methods)

    def compute() -> LearningCurve:
        rows = load_rows(model, examples, [site], pool=pool, max_length=max_length, progress=progress)
        train, test = split(rows.y, rows.groups, seed=seed)
        return curve_of(layer, finders, rows.X[0], rows.y, rows.groups, train, test, seed=seed, progress=progress)

    key = key_of(
        model,
        examples,
        [site],
        pool=pool,
        max_length=max_length,
        result="learning curve",
        version=VERSION,
        methods=[finder.to_json() for finder in finders],
        orders=ORDERS,
        seed=seed,
    )
    return remembered(model, LearningCurve, key, compute)


@one_blas_thread()
def curve_of(
    layer: int,
    finders: Sequence[Finder],
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seed: int = 0,
    progress: Listener = silent,
) -> LearningCurve:
    """`learning_curve` on arrays: X (n, d), y and groups (n,), rows of the two parts."""
    measured: dict[str, list[list[tuple[int, float]]]] = {finder.name: [] for finder in finders}
    for number in range(ORDERS):
        progress(Progress(number, ORDERS, "orders", "learning curve"))
        order, ends = block_ends(y[train], groups[train], seed + number)
        runs: dict[str, list[tuple[int, float]]] = {finder.name: [] for finder in finders}
        for end in ends:
            chosen = train[order[:end]] if end < len(train) else train
            rows = Prepared(X[chosen].astype(np.float64), groups[chosen])
            X_test = X[test] - rows.mean
            for finder in finders:
                settled = finder.settle_on(rows, y[chosen] == 1, seed=seed).finder
                vector = settled.fit_many(rows, y[chosen][None] == 1, seed=seed)
                runs[finder.name].append((end, float(aurocs(y[test], vector @ X_test.T)[0])))
        for name, run in runs.items():
            measured[name].append(run)
    progress(Progress(ORDERS, ORDERS, "orders", "learning curve"))
    curves = tuple(Curve(name, _points(runs)) for name, runs in measured.items())
    return LearningCurve(layer, curves, ORDERS, len(test))


def _points(runs: list[list[tuple[int, float]]]) -> tuple[Point, ...]:
    """Orders end their blocks a few rows apart, where groups are large; the k-th last blocks belong together."""
    found = []
    for place in range(1, min(map(len, runs)) + 1):
        sizes, values = zip(*(run[-place] for run in runs), strict=True)
        found.append(Point(round(float(np.mean(sizes))), float(np.mean(values)), min(values), max(values)))
    return tuple(reversed(found))
