"""Everything about one probe that its scores alone do not show."""

from __future__ import annotations

from dataclasses import dataclass

from core.activations import Pool
from core.directions import Finder
from core.examples import Examples
from core.models import AnyModel
from core.probing.asking import check_pool, finders_of, key_of, remembered
from core.probing.calibration import Calibration, calibration_of
from core.probing.misread import Errors, errors_of
from core.probing.reading import read_probe
from core.probing.subgroups import Subgroups, subgroup_scores
from core.progress import Listener, silent

VERSION = 4


@dataclass(frozen=True)
class Details:
    """Of one probe: its errors, its calibration, and its scores by subgroup where the examples tell kinds."""

    layer: int
    method: str
    errors: Errors
    calibration: Calibration
    subgroups: Subgroups | None


def probe_details(
    model: AnyModel,
    examples: Examples,
    layer: int,
    method: str | Finder,
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> Details:
    """Of the probe that a sweep with these arguments scores; kept in the workspace."""
    check_pool(pool)
    site, (finder,) = model.site(layer), finders_of([method])
    key = key_of(
        model,
        examples,
        [site],
        pool=pool,
        max_length=max_length,
        result="probe details",
        version=VERSION,
        method=finder.to_json(),
        seed=seed,
    )

    def compute() -> Details:
        reading = read_probe(
            model, examples, layer, finder, pool=pool, max_length=max_length, seed=seed, progress=progress
        )
        kinds = None
        if examples.subgroups is not None:
            kinds = subgroup_scores(reading, examples.subgroups, name=examples.subgroup_name, seed=seed)
        return Details(layer, finder.name, errors_of(reading), calibration_of(reading, seed=seed), kinds)

    return remembered(model, Details, key, compute)
