"""From arrays to verdicts: every concept against every target at every site. Knows nothing of texts or images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.progress import Listener, Progress, silent
from core.stats.multiplicity import benjamini_hochberg, holm_of_families
from core.tcav.acting import PushEffect
from core.tcav.cavs import CavKind, kind_named, outside, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.covariance import Metric
from core.tcav.intervals import bootstrap
from core.tcav.readability import Readability, readability
from core.tcav.result import NULL_EDGES, Cell, OfKind
from core.tcav.scores import Scores, scores
from core.tcav.significance import PERMUTATIONS, Significance, mean_unit_gradient, permutation_test
from core.tcav.specificity import Controls, Specificity, readable_controls, specificity
from core.tcav.verdict import verdict

# With more concepts more permutations: the smallest adjusted p that can come out stays at .005.
PER_CONCEPT = 200
# Under Benjamini and Hochberg a finding that stands alone among so many cells can still come below .05.
PER_CELL = 20
# As many by themselves, since the deals of all cells are kept: beyond a thousand cells BH finds several or none.
MOST_GROWN = 20_000

# Takes the place of a site, a target's name and unit CAVs (k, d): what pushing each of them does.
Pushing = Callable[[int, str, np.ndarray], list[PushEffect]]


@dataclass(frozen=True, eq=False)
class Question:
    """What concepts are tested on: s sites, q targets, m inputs.

    layers, sites: per site, its layer and its name. metrics: per site, for the kinds of CAV that are whitened.
    gradients: target's name -> per site (m, d), finite. groups: (m,), equal inputs share one. taken: per site the
    orthonormal directions (r, d) that were taken out of the gradients and are taken out of every CAV; () for none.
    """

    layers: tuple[int, ...]
    sites: tuple[str, ...]
    metrics: tuple[Metric, ...]
    gradients: Mapping[str, Sequence[np.ndarray]]
    groups: np.ndarray
    taken: tuple[np.ndarray, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.gradients)

    def mean_unit_gradients(self) -> list[np.ndarray]:
        """Per site (q, d)."""
        return [
            np.stack([mean_unit_gradient(self.gradients[target][site]) for target in self.targets])
            for site in range(len(self.sites))
        ]


@dataclass(frozen=True)
class Settings:
    """kinds: of CAV, all of which the p-value looks at. cav: the one whose scores, specificity and pushes are shown.

    correction: "holm" over concepts (no false alarm at all), or "bh" over all cells (few false ones among those found).
    permutations: at least.
    """

    kinds: tuple[str, ...] = ("diffmean", "lda")
    cav: str = "diffmean"
    correction: str = "holm"
    permutations: int = PERMUTATIONS
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.kinds:
            kind_named(name)
        if self.cav not in self.kinds:
            raise UserError(f"{self.cav!r} is not among the kinds of CAV that are tested ({', '.join(self.kinds)}).")
        if self.correction not in ("holm", "bh"):
            raise UserError(f"There is no correction {self.correction!r}; there are holm and bh.")
        if self.permutations < 19:
            raise UserError(f"{self.permutations} permutations cannot give p < .05; use 19 or more, better 999.")

    @property
    def chosen(self) -> list[CavKind]:
        return [kind_named(name) for name in self.kinds]

    def permutations_for(self, concepts: int, cells: int = 1) -> int:
        """cells: of each concept, its sites times its targets."""
        needed = PER_CONCEPT * concepts - 1 if self.correction == "holm" else PER_CELL * concepts * cells
        return max(self.permutations, min(needed, MOST_GROWN))

    def p_values(self, test: Significance) -> np.ndarray:
        """Those (s, q) that `adjust` takes: Holm's hold within the concept already, the other looks at every cell."""
        return test.p_largest if self.correction == "holm" else test.p


@one_blas_thread()  # once for all of it: asking the libraries anew for each cell took a sixth of the time
def analyse(
    concepts: Sequence[Concept],
    question: Question,
    settings: Settings,
    *,
    controls: Sequence[Concept] = (),
    pushing: Pushing | None = None,
    progress: Listener = silent,
) -> list[Cell]:
    """One Cell per concept, site and target, in this order."""
    tests = []
    for number, concept in enumerate(concepts):
        progress(Progress(number, len(concepts), "concepts", "testing concepts"))
        tests.append(examine(concept, question, settings, len(concepts)))
    adjusted = adjust([settings.p_values(test) for test in tests], settings.correction)
    shown = kind_named(settings.cav)
    compared = [
        readable_controls(controls, site, shown, metric) if controls else None
        for site, metric in enumerate(question.metrics)
    ]
    cells: list[Cell] = []
    for number, (concept, test, p) in enumerate(zip(concepts, tests, adjusted, strict=True)):
        progress(Progress(number, len(concepts), "concepts", "scoring concepts"))
        for site in range(len(question.sites)):
            cells += _cells(concept, site, question, settings, test, p, compared[site], pushing)
    progress(Progress(len(concepts), len(concepts), "concepts", "scoring concepts"))
    return cells


def examine(concept: Concept, question: Question, settings: Settings, concepts: int = 1) -> Significance:
    """The permutation test of one concept among so many."""
    return permutation_test(
        concept,
        question.mean_unit_gradients(),
        settings.chosen,
        question.metrics,
        permutations=settings.permutations_for(concepts, len(question.sites) * len(question.targets)),
        seed=settings.seed,
    )


def adjust(p_values: Sequence[np.ndarray], correction: str) -> list[np.ndarray]:
    """p-values (s, q) of each concept, adjusted: "holm" over the concepts, of those that hold within each; "bh" over
    all cells, of each cell's own."""
    if correction == "holm":
        flat = holm_of_families([p.ravel() for p in p_values])
        return [one.reshape(p.shape) for one, p in zip(flat, p_values, strict=True)]
    every = benjamini_hochberg(np.concatenate([p.ravel() for p in p_values]))
    ends = np.cumsum([p.size for p in p_values])[:-1]
    return [one.reshape(p.shape) for one, p in zip(np.split(every, ends), p_values, strict=True)]


def _cells(
    concept: Concept,
    site: int,
    question: Question,
    settings: Settings,
    test: Significance,
    p_adjusted: np.ndarray,
    controls: Controls | None,
    pushing: Pushing | None,
) -> list[Cell]:
    """All targets of one concept at one site."""
    metric, labels = question.metrics[site], concept.y[None].astype(bool)
    gradients = {target: np.asarray(question.gradients[target][site]) for target in question.targets}
    raw = {kind.name: raw_cavs(kind, concept.X[site], labels, metric)[0] for kind in settings.chosen}
    taken = question.taken[site] if question.taken else None
    raw = {name: outside(vector, taken) for name, vector in raw.items()}
    cavs = {name: unit(vector) for name, vector in raw.items()}
    found: dict[str, dict[str, OfKind]] = {target: {} for target in gradients}
    readable: dict[str, Readability] = {}
    for place, kind in enumerate(settings.chosen):
        readable[kind.name] = readability(concept, site, kind, metric, seed=settings.seed, taken=taken)
        of_targets: dict[str, Scores] = {target: scores(G, cavs[kind.name]) for target, G in gradients.items()}
        intervals = bootstrap(
            *(concept, site, kind, metric, gradients, question.groups, of_targets), seed=settings.seed, taken=taken
        )
        for q, target in enumerate(gradients):
            z = float(test.z[site, q, place])
            found[target][kind.name] = OfKind(z, of_targets[target], intervals[target], readable[kind.name])
    specific = _specificities(concept, site, question, settings, readable[settings.cav].auroc, controls)
    shown = settings.kinds.index(settings.cav)
    length = float(np.linalg.norm(raw[settings.cav])) or 1.0
    edges = np.array([-np.inf, *NULL_EDGES[1:-1], np.inf])
    cells = []
    for q, target in enumerate(gradients):
        push = pushing(site, target, cavs[settings.cav][None])[0] if pushing is not None else None
        derivative = found[target][settings.cav].scores.mean_derivative
        cells.append(
            Cell(
                concept=concept.name,
                target=target,
                layer=question.layers[site],
                site=question.sites[site],
                cav=settings.cav,
                kinds=found[target],
                p=float(test.p[site, q]),
                p_adjusted=float(p_adjusted[site, q]),
                specificity=specific[q],
                push=push,
                verdict=verdict(
                    readable[settings.cav].p,
                    float(p_adjusted[site, q]),
                    None if (of_target := specific[q]) is None else of_target.beyond,
                    None if push is None else push.acts(derivative),
                ),
                n_positives=concept.n_positives,
                n_negatives=concept.n_negatives,
                n_inputs=len(question.groups),
                cosines={f"{a} {b}": float(cavs[a] @ cavs[b]) for a, b in combinations(settings.kinds, 2)},
                null=tuple(np.histogram(test.null[:, site, q, shown], edges)[0].tolist()),
                null_mean=float(test.centre[site, q, shown]) / length,
                null_sd=float(test.deviation[site, q, shown]) / length,
            )
        )
    return cells


def _specificities(
    concept: Concept,
    site: int,
    question: Question,
    settings: Settings,
    auroc: float,
    controls: Controls | None,
) -> list[Specificity | None]:
    if controls is None:
        return [None] * len(question.targets)
    gradients = question.mean_unit_gradients()[site]
    kind, metric = kind_named(settings.cav), question.metrics[site]
    return specificity(concept, site, kind, metric, auroc, gradients, controls, seed=settings.seed)
