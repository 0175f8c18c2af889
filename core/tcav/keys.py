"""What every result of this room is kept under, and how texts are read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sklearn

from core import workspace
from core.activations import Pool
from core.activations.recipe import corpus_hash, make_recipe
from core.errors import UserError
from core.examples import Examples
from core.examples.bundled import version
from core.models import Model, Site
from core.tcav.analysis import Settings
from core.tcav.disjoint import Inputs
from core.tcav.sources import Source
from core.tcav.targets import Target


@dataclass(frozen=True)
class Reading:
    """How texts become activations. pool: "mean" or "last". max_length: tokens at which a text is cut."""

    pool: Pool = "mean"
    max_length: int = 256


def sites_of(model: Model, layers: Sequence[int]) -> list[Site]:
    """The residual stream after each layer, each once."""
    if not layers:
        raise UserError(f"No layers to test: name some of 0 to {model.n_layers - 1}, or all.")
    return [model.site(layer) for layer in dict.fromkeys(layers)]


def result_key(
    result: str,
    model: Model,
    sources: Sequence[Source],
    targets: Sequence[Target],
    inputs: Inputs,
    sites: Sequence[Site],
    settings: Settings,
    reading: Reading,
    controls: Sequence[Examples],
    **more: Any,
) -> str:
    """Hashes everything that changes the numbers; what changes activations is in the inputs' recipes."""
    corpus = corpus_hash(inputs.texts)
    recipes = [
        make_recipe(
            model,
            site,
            inputs.texts,
            pool=reading.pool,
            all_positions=False,
            max_length=reading.max_length,
            corpus=corpus,
        ).key
        for site in sites
    ]
    return workspace.digest(
        {
            "result": result,
            "recipes": recipes,
            "concepts": [[one.name, corpus_hash(one.texts), one.y.tolist(), one.groups.tolist()] for one in sources],
            "targets": [[target.name, target.to_json()] for target in targets],
            "settings": asdict(settings),
            "controls": [one.digest for one in controls],
            "bundled sets": version(),
            "scikit-learn": sklearn.__version__,
            **more,
        }
    )
