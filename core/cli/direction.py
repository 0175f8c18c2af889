"""`direction`: make a direction from examples and save it."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

NAME = "direction"
HELP = "make a direction from examples and save it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--examples", metavar="ID", required=True, help="a set of examples: see `examples`, or a path")
    parser.add_argument("--layer", type=int, required=True, help="counted from 0")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    parser.add_argument("--method", default="diffmean", help="diffmean or logistic")
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--save", metavar="NAME", required=True, help="name under which it is kept")
    arguments.add_texts_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import FINDERS, make_direction, save_direction
    from core.examples import open_examples
    from core.workspace import checked_name

    checked_name(args.save)
    if args.method not in FINDERS:
        raise UserError(f"There is no method {args.method!r}; there are {', '.join(FINDERS)}.")
    examples = open_examples(args.examples, limit=args.limit)
    model = arguments.open_model_of(args)
    direction = make_direction(
        model,
        examples,
        model.site(args.layer, args.site),
        args.method,
        name=args.save,
        pool=args.pool,
        max_length=args.max_length,
        limit=args.limit,
        progress=progress,
    )
    save_direction(direction)
    return {
        "name": direction.name,
        "site": direction.site,
        "layer": direction.layer,
        "method": direction.method,
        "raw_norm": direction.raw_norm,
        "auroc": direction.provenance["held_out"]["auroc"],
        "auroc_ci": direction.provenance["held_out"]["interval"],
    }


def show(result: dict[str, Any]) -> str:
    saved = f"Saved {result['name']}: {result['method']} at {result['site']}, raw norm {result['raw_norm']:.3g}"
    if result["auroc"] is None:
        return f"{saved}; too few examples to hold any back, so how well it reads is not known."
    low, high = result["auroc_ci"]
    return f"{saved}, held-out AUROC {result['auroc']:.3f} ({low:.3f} to {high:.3f})."
