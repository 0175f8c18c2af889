"""What a sweep of probes found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from core.activations import Pool
from core.probing.baselines import Baseline
from core.probing.codelength import Block, Codelength
from core.probing.control_task import ControlTask
from core.probing.controls import Control


@dataclass(frozen=True)
class ProbeResult:
    """One probe at one layer. All scores 0-1; chance is .5 for AUROC, `majority_accuracy` of the sweep for accuracy.

    auroc, auroc_ci (95%, bootstrap of whole groups), accuracy: on the test part, which nothing was chosen on; the
    accuracy's threshold is that of the train part. cv_auroc: cross-validated within the train part; `best` is chosen
    by it, and so are the probe's own settings, so that it is a little too high to be reported as a score.
    settings: the parameters that the probe ended with. shuffled, random: the controls (see core/probing/controls.py).
    control_task: selectivity; codelength: description length; None where they were not asked for, or control_task where
    all texts begin with one word. seed_aurocs: AUROC for each of the sweep's seeds, in their order: other splits.
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
    control_task: ControlTask | None = None
    codelength: Codelength | None = None
    seed_aurocs: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; the numbers of the controls stand beside the score that they belong to.

        codelength: in bits, with codelength_prior, codelength_uniform, compression and codelength_blocks beside it.
        """
        value = asdict(self) | {"auroc_ci": list(self.auroc_ci), "seed_aurocs": list(self.seed_aurocs)}
        code, task = self.codelength, self.control_task
        return value | {
            "control_auroc": self.shuffled.auroc,
            "shuffled_auroc": self.shuffled.auroc,
            "random_auroc": self.random.auroc,
            "selectivity": None if task is None else task.selectivity,
            "codelength": None if code is None else code.bits,
            "codelength_prior": None if code is None else code.prior_bits,
            "codelength_uniform": None if code is None else code.uniform_bits,
            "compression": None if code is None else code.compression,
            "codelength_blocks": None if code is None else [asdict(block) for block in code.blocks],
        }


@dataclass(frozen=True)
class Sweep:
    """Probes over layers and methods of one model on one set of examples.

    results: in the order of layers, then methods. best: highest cv_auroc (the earlier layer of equals).
    baselines: what needs no deep layer: `tfidf`, `length`, `layer0` (where asked for), `majority`; how far `best` lies
    above each is told from the same rows.
    majority_accuracy: of always naming the train part's larger class. seeds: of the splits behind `seed_aurocs`, `seed`
    first. left_out: texts without an unmasked token. sinks: by layer, how many rows were shortened (see
    core.directions.rows), where there are any. seconds: of this call. cached: nothing had to be computed.
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
    seeds: tuple[int, ...] = ()
    sinks: dict[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        value = {name: getattr(self, name) for name in ("model_id", "examples_id", "pool", "max_length", "seed")}
        return value | {
            "seeds": list(self.seeds),
            "results": [result.to_json() for result in self.results],
            "best": self.best.to_json(),
            "baselines": [
                asdict(one)
                | {"auroc_ci": list(one.auroc_ci), "lead_ci": None if one.lead_ci is None else [*one.lead_ci]}
                for one in self.baselines
            ],
            "majority_accuracy": self.majority_accuracy,
            "left_out": self.left_out,
            "sinks": {str(layer): count for layer, count in self.sinks.items()},
            "seconds": self.seconds,
            "cached": self.cached,
        }


def best_of(results: tuple[ProbeResult, ...]) -> ProbeResult:
    """The probe that did best within the train part; the test part has no say."""
    return max(results, key=lambda result: (result.cv_auroc, -result.layer))


def result_from_json(value: dict[str, Any]) -> ProbeResult:
    """The reverse of `ProbeResult.to_json`. A code length of before it had `codelength_prior` is left out: its
    compression was above 1 also where the activations help nothing."""
    code, task = None, value["control_task"]
    if (prior := value.get("codelength_prior")) is not None:
        blocks = tuple(Block(**block) for block in value["codelength_blocks"])
        code = Codelength(value["codelength"], prior, value["codelength_uniform"], value["compression"], blocks)
    kept = {name: value[name] for name in ProbeResult.__dataclass_fields__}
    return ProbeResult(
        **kept
        | {
            "auroc_ci": tuple(value["auroc_ci"]),
            "shuffled": Control(**value["shuffled"]),
            "random": Control(**value["random"]),
            "control_task": None if task is None else ControlTask(**task),
            "codelength": code,
            "seed_aurocs": tuple(value["seed_aurocs"]),
        }
    )


def sweep_from_json(value: dict[str, Any], *, seconds: float = 0.0) -> Sweep:
    """The reverse of `Sweep.to_json`, as a result that was there already. seconds: that looking it up took."""
    results = tuple(result_from_json(result) for result in value["results"])
    return Sweep(
        model_id=value["model_id"],
        examples_id=value["examples_id"],
        pool=value["pool"],
        max_length=value["max_length"],
        seed=value["seed"],
        results=results,
        best=best_of(results),
        baselines=tuple(baseline_from_json(baseline) for baseline in value["baselines"]),
        majority_accuracy=value["majority_accuracy"],
        left_out=value["left_out"],
        seconds=seconds,
        cached=True,
        seeds=tuple(value["seeds"]),
        sinks={int(layer): count for layer, count in value["sinks"].items()},
    )


def baseline_from_json(value: dict[str, Any]) -> Baseline:
    """Also of a result of before there were leads."""
    lead = value.get("lead_ci")
    return Baseline(**value | {"auroc_ci": tuple(value["auroc_ci"]), "lead_ci": None if lead is None else tuple(lead)})
