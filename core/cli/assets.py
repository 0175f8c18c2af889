"""`assets`: make anew what ships with the project (done by `make assets`, by its developers)."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from core.progress import Listener

NAME = "assets"
HELP = "make anew the results that ship with the project"

MODEL = "smollm2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    """Typical norms of the bundled model: a pass over the reference that would make the first visit wait."""
    from core.activations.reference import key_of, measure
    from core.activations.results import BUNDLED
    from core.examples import reference_texts
    from core.models import open_model
    from core.workspace import write_json

    model, texts = open_model(MODEL, device="cpu"), reference_texts()
    sites = [model.site(layer) for layer in range(model.n_layers)]
    norms = measure(model, sites, texts, progress)
    write_json(BUNDLED, {key_of(model, site, texts): asdict(norm) for site, norm in norms.items()})
    return {"path": str(BUNDLED), "results": len(norms)}


def show(result: dict[str, Any]) -> str:
    return f"{result['results']} results in {result['path']}."
