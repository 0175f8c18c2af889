"""Nonlinear check: whether a small network reads more than a line does, beyond what its own control explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.activations import Pool
from core.directions import Finder, Prepared
from core.directions.prepared import inner_folds
from core.directions.threads import one_blas_thread
from core.examples import Examples, split
from core.models import AnyModel
from core.probing.asking import check_pool, finders_of, key_of, load_rows, remembered
from core.probing.batched import Draws, control_task_of, draw, shuffled_of
from core.probing.control_task import ControlTask, word_numbers
from core.probing.controls import Control
from core.probing.threshold import accuracy, best_threshold
from core.progress import Listener, Progress, silent
from core.stats import auroc_intervals, auroc_leads, aurocs

VERSION = 4
DECAYS = (0.01, 0.1, 1.0, 10.0)
STEPS = 120
EVERY = 10
FOLDS = 4
FALLBACK = (1.0, 40)  # decay and steps where the rows are too few to be folded


@dataclass(frozen=True)
class Nonlinear:
    """A network of one hidden layer (64 ReLU units) beside a linear probe, on the same rows. Scores 0-1.

    auroc, auroc_ci: of the network, 95%. linear_auroc, linear_ci: of `method`. difference, difference_ci: network minus
    line, from joint resamples, None where both are perfect; an interval above 0 says that something is there which no
    direction reads. shuffled, control_task: the network's own controls; with its strength it can learn more of the
    control task than a line. decay, steps: weight decay and steps of training, chosen by cross-validation within the
    train part.
    """

    layer: int
    method: str
    auroc: float
    auroc_ci: tuple[float, float]
    accuracy: float
    cv_auroc: float | None
    linear_auroc: float
    linear_ci: tuple[float, float]
    difference: float
    difference_ci: tuple[float, float] | None
    shuffled: Control
    control_task: ControlTask | None
    decay: float
    steps: int
    n_train: int
    n_test: int


def nonlinear_check(
    model: AnyModel,
    examples: Examples,
    layer: int,
    *,
    method: str | Finder = "logistic",
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> Nonlinear:
    """The network at `layer` beside `method`; seconds. Kept in the workspace."""
    check_pool(pool)
    site, (finder,) = model.site(layer), finders_of([method])

    def compute() -> Nonlinear:
        rows = load_rows(model, examples, [site], pool=pool, max_length=max_length, progress=progress)
        train, test = split(rows.y, rows.groups, seed=seed)
        words = word_numbers([examples.texts[i] for i in rows.kept])
        draws = draw(rows.y, rows.groups, train, test, seed=seed, words=words)
        return check_on(layer, finder, rows.X[0], draws, progress=progress)

    key = key_of(
        model,
        examples,
        [site],
        pool=pool,
        max_length=max_length,
        result="nonlinear check",
        version=VERSION,
        method=finder.to_json(),
        seed=seed,
    )
    return remembered(model, Nonlinear, key, compute)


@one_blas_thread()
def check_on(layer: int, finder: Finder, X: np.ndarray, draws: Draws, *, progress: Listener = silent) -> Nonlinear:
    """`nonlinear_check` on arrays: X (n, d) and a split."""
    from core.probing.mlp import train_networks

    train, test, y, seed = draws.train, draws.test, draws.y, draws.seed
    rows = Prepared(X[train].astype(np.float64), draws.groups[train])
    Z_train, Z_test = rows.centred / rows.scale, (X[test] - rows.mean) / rows.scale
    decay, steps, cv_auroc = _settle(Z_train, y[train] == 1, draws.groups[train], seed, progress)
    labels = np.concatenate([y[train][None] == 1, draws.shuffled_train == 1, draws.task[:, train]])
    *_, (_, networks) = train_networks(
        Z_train, labels, np.ones_like(labels), np.full(len(labels), decay), steps=steps, every=steps, seed=seed
    )
    on_train, on_test = networks.logits(Z_train), networks.logits(Z_test)
    settled = finder.settle_on(rows, y[train] == 1, seed=seed).finder
    line = (X[test] - rows.mean) @ settled.fit_many(rows, y[train][None] == 1, seed=seed)[0]
    both = np.stack([on_test[0], line])
    measured = aurocs(y[test], both)
    intervals = auroc_intervals(y[test], both, groups=draws.groups[test], seed=seed)
    (lead,) = auroc_leads(y[test], both, groups=draws.groups[test], seed=seed)
    right = accuracy(y[test], on_test[0], best_threshold(y[train], on_train[0]))
    progress(Progress(STEPS, STEPS, "steps", "training networks"))
    return Nonlinear(
        layer=layer,
        method=finder.name,
        auroc=float(measured[0]),
        auroc_ci=intervals[0],
        accuracy=right,
        cv_auroc=cv_auroc,
        linear_auroc=float(measured[1]),
        linear_ci=intervals[1],
        difference=float(measured[0] - measured[1]),
        difference_ci=lead,
        shuffled=shuffled_of(on_test, draws),
        control_task=control_task_of(right, on_train, on_test, draws),
        decay=decay,
        steps=steps,
        n_train=len(train),
        n_test=len(test),
    )


def _settle(
    Z: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int, progress: Listener
) -> tuple[float, int, float | None]:
    """Weight decay and steps of the highest mean AUROC over folds, and that; the strongest decay of equals."""
    from core.probing.mlp import train_networks

    parts = inner_folds(labels, groups, k=FOLDS, seed=seed)
    if not parts:
        return *FALLBACK, None
    used = np.zeros((len(parts), len(labels)), dtype=bool)
    for line, (train, _) in zip(used, parts, strict=True):
        line[train] = True
    strongest_first = DECAYS[::-1]
    decay = np.repeat(strongest_first, len(parts))
    best = (-1.0, *FALLBACK)
    runs = train_networks(
        Z,
        np.tile(labels, (len(decay), 1)),
        np.tile(used, (len(DECAYS), 1)),
        decay,
        steps=STEPS,
        every=EVERY,
        seed=seed,
    )
    for steps, networks in runs:
        progress(Progress(steps, STEPS + 1, "steps", "training networks"))
        logits = networks.logits(Z).reshape(len(DECAYS), len(parts), len(labels))
        for number, own in enumerate(strongest_first):
            folds = [aurocs(labels[test], logits[number, fold][None, test])[0] for fold, (_, test) in enumerate(parts)]
            mean = float(np.mean(folds))
            best = max(best, (mean, own, steps), key=lambda one: one[0])
    return best[1], best[2], best[0]
