"""Transfer: whether a probe of one set reads another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations import Pool
from core.directions import Finder, Prepared, Rows
from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.examples import Examples, split, tidied
from core.models import AnyModel
from core.probing.asking import check_pool, finders_of, key_of, load_rows, remembered, sites_of
from core.probing.controls import SHUFFLES, Control, control_of, shuffles
from core.progress import Listener, Progress, silent
from core.stats import auroc_intervals, auroc_leads, aurocs

VERSION = 4


@dataclass(frozen=True)
class TransferResult:
    """A probe of the source's train part, scored on the target's test part. Scores 0-1; below .5 the sign is reversed.

    auroc, auroc_ci: 95%, bootstrap of groups. reference_auroc, reference_ci: of the same method trained on the target's
    own train part, on the same rows. difference, difference_ci: auroc - reference_auroc, from joint resamples;
    no interval where both are perfect. control: the same with labels shuffled in either part. n_test: rows scored.
    left_out: rows of the target's test part whose text stands in the source's train part too.
    """

    layer: int
    method: str
    auroc: float
    auroc_ci: tuple[float, float]
    reference_auroc: float
    reference_ci: tuple[float, float]
    difference: float
    difference_ci: tuple[float, float] | None
    control: Control
    n_test: int
    left_out: int


@dataclass(frozen=True)
class Transfer:
    """Of one pair of sets: a result per layer and method, in that order."""

    source_id: str
    target_id: str
    results: tuple[TransferResult, ...]


def transfer(
    model: AnyModel,
    source: Examples,
    target: Examples,
    layers: Sequence[int],
    methods: Sequence[str | Finder],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> Transfer:
    """Train on `source`, test on `target`; both are split with the same seed as everywhere. Kept in the workspace."""
    check_pool(pool)
    sites, finders = sites_of(model, layers), finders_of(methods)

    def rows_of(examples: Examples) -> Rows:
        return load_rows(model, examples, sites, pool=pool, max_length=max_length, progress=progress)

    def compute() -> Transfer:
        a, b = rows_of(source), rows_of(target)
        train, _ = split(a.y, a.groups, seed=seed)
        own_train, own_test = split(b.y, b.groups, seed=seed)
        known = {tidied(source.texts[a.kept[row]]) for row in train}
        fresh = np.array([row for row in own_test if tidied(target.texts[b.kept[row]]) not in known], dtype=int)
        if len(np.unique(b.y[fresh])) < 2:
            raise UserError(
                f"Of a class of {target.id} every held-out text stands in {source.id} too: transfer would test what was"
                " trained on; choose another set."
            )
        results: list[TransferResult] = []
        for number, site in enumerate(sites):
            progress(Progress(number, len(sites), "layers", f"transfer to {target.id}"))
            parts = (a.X[number], a.y, a.groups, train), (b.X[number], b.y, b.groups, own_train)
            results += _at_layer(site.layer, finders, *parts, fresh, len(own_test) - len(fresh), seed)
        progress(Progress(len(sites), len(sites), "layers", f"transfer to {target.id}"))
        return Transfer(source.id, target.id, tuple(results))

    key = key_of(
        model,
        source,
        sites,
        pool=pool,
        max_length=max_length,
        result="transfer",
        version=VERSION,
        target=key_of(model, target, sites, pool=pool, max_length=max_length),
        methods=[finder.to_json() for finder in finders],
        shuffles=SHUFFLES,
        seed=seed,
        names=[source.id, target.id],
    )
    return remembered(model, Transfer, key, compute)


Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X, y, groups and the rows that train


@one_blas_thread()
def _at_layer(
    layer: int, finders: Sequence[Finder], source: Part, target: Part, test: np.ndarray, left_out: int, seed: int
) -> list[TransferResult]:
    X_test, y_test, groups = target[0][test].astype(np.float64), target[1][test], target[2][test]
    rows = [Prepared(X[train].astype(np.float64), g[train]) for X, _, g, train in (source, target)]
    labels = [y[train] for _, y, _, train in (source, target)]
    dealt, dealt_test = shuffles((labels[0], rows[0].groups), (y_test, groups), seed=seed)
    found = []
    for finder in finders:
        settled = [finder.settle_on(r, y == 1, seed=seed).finder for r, y in zip(rows, labels, strict=True)]
        vectors = settled[0].fit_many(rows[0], np.concatenate([labels[0][None], dealt]) == 1, seed=seed)
        own = settled[1].fit_many(rows[1], labels[1][None] == 1, seed=seed)
        scores = np.concatenate([vectors, own]) @ X_test.T
        pair = scores[[0, -1]]
        measured = aurocs(y_test, pair)
        intervals = auroc_intervals(y_test, pair, groups=groups, seed=seed)
        (lead,) = auroc_leads(y_test, pair, groups=groups, seed=seed)
        found.append(
            TransferResult(
                layer=layer,
                method=finder.name,
                auroc=float(measured[0]),
                auroc_ci=intervals[0],
                reference_auroc=float(measured[-1]),
                reference_ci=intervals[1],
                difference=float(measured[0] - measured[-1]),
                difference_ci=lead,
                control=control_of(aurocs(dealt_test, scores[1:-1])),
                n_test=len(test),
                left_out=left_out,
            )
        )
    return found
