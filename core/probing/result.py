"""What a sweep of probes found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.activations import Pool
from core.probing.baselines import Baseline
from core.probing.controls import Control


@dataclass(frozen=True)
class ProbeResult:
    """One probe at one layer. All scores 0-1; chance is .5 for AUROC, `majority_accuracy` of the sweep for accuracy.

    auroc, auroc_ci (95%, bootstrap of whole groups), accuracy: on the test part, which nothing was chosen on; the
    accuracy's threshold is that of the train part. cv_auroc: cross-validated within the train part; `best` is chosen
    by it, and so are the probe's own settings, so that it is a little too high to be reported as a score.
    settings: the parameters that the probe ended with. shuffled, random: the controls (see core/probing/controls.py).
    """

    layer: int
    site: str
    method: str
    auroc: float
    auroc_ci: tuple[float, float]
    accuracy: float
    n_train: int
    n_test: int
    cv_auroc: float
    settings: dict[str, float]
    shuffled: Control
    random: Control

    def to_json(self) -> dict[str, Any]:
        """Plain values; `shuffled_auroc` and `random_auroc` stand beside the score that they belong to."""
        value = asdict(self) | {"auroc_ci": list(self.auroc_ci)}
        return value | {"shuffled_auroc": self.shuffled.auroc, "random_auroc": self.random.auroc}


@dataclass(frozen=True)
class Sweep:
    """Probes over layers and methods of one model on one set of examples.

    results: in the order of layers, then methods. best: highest cv_auroc (the earlier layer of equals).
    baselines: what the texts alone give away. majority_accuracy: of always naming the train part's larger class.
    left_out: texts without an unmasked token. seconds: of this call. cached: nothing had to be computed.
    """

    model_id: str
    examples_id: str
    pool: Pool
    max_length: int
    seed: int
    results: tuple[ProbeResult, ...]
    best: ProbeResult
    baselines: tuple[Baseline, ...]
    majority_accuracy: float
    left_out: int
    seconds: float
    cached: bool

    def to_json(self) -> dict[str, Any]:
        value = {name: getattr(self, name) for name in ("model_id", "examples_id", "pool", "max_length", "seed")}
        return value | {
            "results": [result.to_json() for result in self.results],
            "best": self.best.to_json(),
            "baselines": [asdict(baseline) | {"auroc_ci": list(baseline.auroc_ci)} for baseline in self.baselines],
            "majority_accuracy": self.majority_accuracy,
            "left_out": self.left_out,
            "seconds": self.seconds,
            "cached": self.cached,
        }


def best_of(results: tuple[ProbeResult, ...]) -> ProbeResult:
    """The probe that did best within the train part; the test part has no say."""
    return max(results, key=lambda result: (result.cv_auroc, -result.layer))


def result_from_json(value: dict[str, Any]) -> ProbeResult:
    """The reverse of `ProbeResult.to_json`."""
    value = {name: value[name] for name in ProbeResult.__dataclass_fields__}
    shuffled, random = Control(**value.pop("shuffled")), Control(**value.pop("random"))
    return ProbeResult(**value | {"auroc_ci": tuple(value["auroc_ci"]), "shuffled": shuffled, "random": random})


def baseline_from_json(value: dict[str, Any]) -> Baseline:
    return Baseline(**value | {"auroc_ci": tuple(value["auroc_ci"])})
