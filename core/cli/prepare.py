"""`prepare`: everything that a first visit needs, done once by `make setup`."""

from __future__ import annotations

import argparse
from typing import Any

from core.progress import Listener

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
    return {"model": MODEL, "layers": model.n_layers, "width": model.width, **made}


def show(result: dict[str, Any]) -> str:
    return f"{result['model']} is ready: {result['layers']} layers, width {result['width']}."
