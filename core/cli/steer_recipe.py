"""`steer --recipe`: a saved recipe, run again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.steering import Recipe


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    """Plain and steered texts, in the form of a sweep: dose 0 and the dose of the recipe's first intervention."""
    from core.feature_steering import open_feature
    from core.steering import run_recipe

    if args.layers is not None or args.controls or args.judge or args.instruction or args.targets:
        raise UserError(
            "--recipe is run as it stands; --layers, --controls, --judge, --instruction and --targets need --direction."
        )
    recipe = recipe_of(args.recipe)
    prompts = prompts_of(args)
    model = arguments.open_model_of(args)
    seeds = args.seeds or []
    ran = run_recipe(model, recipe, prompts=prompts, seeds=seeds, open_feature=open_feature, progress=progress)
    dose = recipe.parts[0].dose if recipe.parts else 0.0
    texts = [{**one.to_json(), "dose": dose if one.steered else 0.0, "score": None} for one in ran.texts]
    steered = [text for text, one in zip(texts, ran.texts, strict=True) if one.steered]
    plain = [text for text, one in zip(texts, ran.texts, strict=True) if not one.steered]
    return {
        "recipe": recipe.to_json(),
        "interventions": [
            {
                "direction": one.direction.name,
                "site": str(one.intervention.site),
                "operator": recipe.parts[one.part].operator,
                "dose": one.dose,
                "coefficient": one.intervention.coefficient,
            }
            for one in ran.ready.made
        ],
        "results": steered,
        "control": plain,
        "tokens_per_second": round(ran.tokens_per_second, 2),
    }


def recipe_of(text: str) -> Recipe:
    """The recipe in a file, or the saved one of that name."""
    from core.steering import load_recipe, read_recipe

    path = Path(text)
    return read_recipe(path) if path.is_file() or "/" in text or text.endswith(".json") else load_recipe(text)


def prompts_of(args: argparse.Namespace) -> list[str]:
    """What was given on the command line; nothing leaves the recipe's own prompt."""
    if args.prompt is not None:
        return [args.prompt]
    if args.prompts is None:
        return []
    from core.examples import read_texts
    from core.steering.prompts import NEUTRAL

    file = args.prompts
    return list(NEUTRAL) if file == "neutral" and not Path(file).exists() else list(read_texts(file))
