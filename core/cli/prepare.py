"""`prepare`: everything that a first visit needs, done once by `make setup`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.progress import Listener

if TYPE_CHECKING:
    from core.models import Model

NAME = "prepare"
HELP = "convert the bundled models and compute the first concept (done by `make setup`)"

MODEL = "smollm2"
IMAGE_MODEL = "efficientnet-lite0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.activations import typical_norms
    from core.examples import prepare
    from core.examples.corpus import held_out
    from core.first_concept import make_first_concept
    from core.models import open_model
    from core.models.bundled import converted

    prepare(progress)
    held_out(progress=progress)
    converted(IMAGE_MODEL)
    model = open_model(MODEL)
    typical_norms(model, [model.site(layer) for layer in range(model.n_layers)], progress=progress)
    made = make_first_concept(model, progress=progress)
    _prepare_dictionaries(model, progress)
    return {"model": MODEL, "layers": model.n_layers, "width": model.width, **made}


def _prepare_dictionaries(model: Model, progress: Listener) -> None:
    """What bundled dictionaries' indexes point to, and their maps, so that the Features page shows them at once."""
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.fitting import same_model
    from core.dictionaries.index import list_indexes, open_index
    from core.dictionaries.library import BUNDLED
    from core.dictionaries.maps.feature_map import feature_map
    from core.dictionaries.shelf import list_names

    for one in list_names():
        if not (BUNDLED / one.name).is_dir() or not same_model(one.model_name, model.id):
            continue
        found = open_dictionary(one.name)
        if found.folder == BUNDLED / one.name:  # and not a saved one of that name
            dictionary = fitted(found, model)
            if list_indexes(dictionary):
                open_index(dictionary).texts.keep(progress=progress)
            feature_map(dictionary, progress=progress)


def show(result: dict[str, Any]) -> str:
    return f"{result['model']} is ready: {result['layers']} layers, width {result['width']}."
