"""Stable: how much of what is found hangs on the split, on the examples and on the measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.concept.part import Part
from core.concept.question import METHODS, Question
from core.concept.readable import only_texts
from core.models import AnyModel, NotOpened, as_known, opened
from core.probing import LayerChoice, cached_sweep, layer_choice, shuffled_labels, sweep, to_plain
from core.probing.asking import key_of, load_rows, remembered
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.concept.question import AnyKind

VERSION = 1
SHUFFLES = 50
PROBE, CAV = METHODS
LAYER_SECONDS = 0.5  # three measures at one layer, for 1,000 texts


@dataclass(frozen=True)
class Stable:
    """At one layer. aurocs: of the probe, 0-1, one per seed of the split. halves: cosine, -1 to 1, between the
    differences of means of two halves of the examples, one per seed. by_chance: between which 95% of such cosines
    lie where the labels are dealt anew to whole groups. choice: which layer three measures name.
    """

    layer: int
    seeds: tuple[int, ...]
    aurocs: tuple[float, ...]
    halves: tuple[float, ...]
    by_chance: tuple[float, float]
    choice: LayerChoice


@dataclass(frozen=True)
class Halves:
    """See `Stable`."""

    cosines: tuple[float, ...]
    by_chance: tuple[float, float]


def agreement_of_halves(
    X: np.ndarray, y: np.ndarray, groups: np.ndarray, seeds: tuple[int, ...], *, shuffles: int = SHUFFLES
) -> Halves:
    """Cosines between the differences of means of two halves, whole groups, for each seed.

    X: (n, d) finite. Activations share most of their variance in a few directions, so that halves agree somewhat
    whatever the labels: what chance gives is measured on shuffled labels, and not taken from random vectors.
    """
    X = X.astype(np.float64)
    rng = np.random.default_rng(0)
    dealt = [_cosine(X, shuffled_labels(y, groups, rng), groups, seed) for seed in range(shuffles)]
    low, high = np.quantile(dealt, [0.025, 0.975])
    return Halves(tuple(_cosine(X, y, groups, seed) for seed in seeds), (float(low), float(high)))


def _cosine(X: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int) -> float:
    from core.directions import DiffMean
    from core.examples import split

    one, other = (DiffMean().fit(X[part], y[part]) for part in split(y, groups, test_share=0.5, seed=seed))
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _halves(model: AnyModel, question: Question, progress: Listener) -> Halves:
    examples, site = question.texts, model.site(question.layer)

    def compute() -> Halves:
        rows = load_rows(model, examples, [site], progress=progress)
        return agreement_of_halves(rows.X[0], rows.y, rows.groups, _seeds(question))

    key = key_of(
        model,
        examples,
        [site],
        pool="mean",
        max_length=256,
        result="halves of a concept",
        version=VERSION,
        seeds=list(_seeds(question)),
        shuffles=SHUFFLES,
    )
    return remembered(model, Halves, key, compute)


def _seeds(question: Question) -> tuple[int, ...]:
    return tuple(range(question.sizes.splits))


def _find(model: AnyModel, question: Question, progress: Listener = silent) -> Stable:
    """Raises NotOpened where something is missing and the model is only known."""
    same = {"methods": (PROBE,), "seeds": _seeds(question), "controls": ()}
    swept = cached_sweep(model, question.texts, [question.layer], **same)  # type: ignore[arg-type]
    if swept is None:
        swept = sweep(opened(model), question.texts, [question.layer], **same, progress=progress)  # type: ignore[arg-type]
    halves = _halves(model, question, progress)
    choice = layer_choice(model, question.texts, range(model.n_layers), method=PROBE, progress=progress)
    return Stable(
        layer=question.layer,
        seeds=swept.seeds,
        aurocs=swept.best.seed_aurocs,
        halves=halves.cosines,
        by_chance=halves.by_chance,
        choice=choice,
    )


def _look(model: AnyKind, question: Question) -> Stable | None:
    try:
        return _find(as_known(model), question)  # type: ignore[arg-type]
    except NotOpened:
        return None


def _cost(model: AnyKind, question: Question) -> float:
    return LAYER_SECONDS * model.n_layers * len(question.texts) / 1000 + 3.0


STABLE = Part(
    name="stable",
    title="How stable is it?",
    watch="Look at whether the spread over splits is small beside the height above 0.5, and whether the halves agree "
    "beyond what labels dealt anew give.",
    why_not=only_texts,
    look=_look,
    compute=_find,  # type: ignore[arg-type]
    cost=_cost,
    plain=to_plain,
)
