"""`steer fold`: a recipe folded into the weights, as a model directory that needs no code of ours."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.steer_recipe import recipe_of
from core.progress import Listener

NAME = "steer fold"
HELP = "fold a recipe into the weights, as a Hugging Face directory that gives the same text without our code"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--recipe", metavar="FILE", required=True, help="a recipe: a file, or the name of a saved one")
    arguments.add_save(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.steering import fold, prepare, save_folded
    from core.workspace import checked_name

    checked_name(args.save)
    recipe = recipe_of(args.recipe)
    model = arguments.open_model_of(args)
    ready = prepare(model, recipe, progress=progress)
    folded = fold(model, ready)
    folder = save_folded(model, ready, folded, args.save, replace=args.replace)
    return {
        "path": str(folder),
        "edits": [edit.to_json() for edit in folded.edits],
        "added_biases": folded.added_biases,
        "difference": folded.difference,
    }


def show(result: dict[str, Any]) -> str:
    edits = "\n".join(f"  {edit['tensor']}: {edit['what']}" for edit in result["edits"])
    return f"Written to {result['path']}; open it with transformers.\n{edits}"
