"""`sae import`: bring a dictionary of somebody else's into the library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.sae_model import add_model_options, open_model_for
from core.progress import Listener

NAME = "sae import"
HELP = "bring a SAELens directory into the library, bound to its model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a directory with cfg.json and sae_weights.safetensors")
    parser.add_argument("--save", metavar="NAME", help="name under which it is kept (default: the directory's)")
    parser.add_argument("--layer", type=int, help="layer that it reads, where its files do not say (from 0)")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    add_model_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary, save_dictionary
    from core.dictionaries.formats.beside import read_beside
    from core.dictionaries.metrics.evaluate import doubt, opening_check
    from core.workspace import checked_name

    found = open_dictionary(args.path)
    name = checked_name(args.save or Path(args.path).name)
    model = open_model_for(args, found)
    at = None if args.layer is None else model.site(args.layer, args.site)
    bound = fitted(found, model, at=at, accept=args.accept)
    source = bound.card.source or str(found.folder)
    bound = bound.replaced(name=name, card=bound.card.with_source(source))
    explained = opening_check(model, bound, progress=progress)
    beside = read_beside(found.folder) if found.folder else None
    saved = save_dictionary(bound, name, beside=beside)
    return {**saved.to_json(), "explained_variance": explained, "warning": doubt(explained), "path": str(saved.folder)}


def show(result: dict[str, Any]) -> str:
    said = f"Saved {result['name']}: {result['kind']}, {result['features']} features at {result['site']}."
    said += f" It explains {result['explained_variance']:.2f} of the variance."
    return f"{said}\n{result['warning']}" if result["warning"] else said
