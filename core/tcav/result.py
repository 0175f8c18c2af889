"""What TCAV found: one row per concept, target and layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.tcav.acting import PushEffect
from core.tcav.intervals import Intervals
from core.tcav.readability import Readability
from core.tcav.scores import Scores
from core.tcav.specificity import Specificity


@dataclass(frozen=True)
class OfKind:
    """One kind of CAV in one cell. z: of its statistic, in standard deviations of its permutations."""

    z: float
    scores: Scores
    intervals: Intervals
    readability: Readability

    def to_json(self) -> dict[str, Any]:
        return {
            "z": self.z,
            "score": self.scores.sign,
            "score_ci": list(self.intervals.sign),
            "mean_derivative": self.scores.mean_derivative,
            "mean_derivative_ci": list(self.intervals.mean_derivative),
            "mean_cosine": self.scores.mean_cosine,
            "mean_cosine_ci": list(self.intervals.mean_cosine),
            "auroc": self.readability.auroc,
            "auroc_ci": list(self.readability.ci),
            "auroc_p": self.readability.p,
            "variance_shares": self.intervals.shares,
        }


@dataclass(frozen=True)
class Cell:
    """One concept, target and layer.

    cav: the kind whose scores stand first; p is of the larger |z| among `kinds`, p_adjusted for all layers, targets
    and concepts looked at together. specificity, push: None where they were not measured. null: how many permutations
    gave `cav` a z in each bin of NULL_EDGES; null_mean and null_sd are their mean and deviation as mean cosines of a
    CAV as long as this one, so that the bins can be drawn beside the mean cosine. cosines: between the CAVs of two
    kinds, "diffmean lda".
    """

    concept: str
    target: str
    layer: int
    site: str
    cav: str
    kinds: dict[str, OfKind]
    p: float
    p_adjusted: float
    specificity: Specificity | None
    push: PushEffect | None
    verdict: str
    n_positives: int
    n_negatives: int
    n_inputs: int
    cosines: dict[str, float]
    null: tuple[int, ...]
    null_mean: float
    null_sd: float

    def to_json(self) -> dict[str, Any]:
        shown = self.kinds[self.cav].to_json()
        return {
            "concept": self.concept,
            "target": self.target,
            "layer": self.layer,
            "site": self.site,
            "cav": self.cav,
            **shown,
            "push_effect": None if self.push is None else self.push.effect,
            "push_rank": None if self.push is None else self.push.rank,
            "push": None if self.push is None else asdict(self.push),
            "specificity": None if self.specificity is None else self.specificity.share,
            "controls": None if self.specificity is None else self.specificity.controls,
            "p": self.p,
            "p_adjusted": self.p_adjusted,
            "verdict": self.verdict,
            "n_positives": self.n_positives,
            "n_negatives": self.n_negatives,
            "n_inputs": self.n_inputs,
            "cosines": self.cosines,
            "kinds": {name: kind.to_json() for name, kind in self.kinds.items()},
            "null": list(self.null),
            "null_mean": self.null_mean,
            "null_sd": self.null_sd,
        }


NULL_EDGES = tuple(-6 + 0.25 * step for step in range(49))  # what lies outside counts in the outermost bins
