"""`probe`: where, and how well, a concept can be read."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.progress import Listener

NAME = "probe"
HELP = "how well a concept can be read at each layer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--examples", metavar="ID", required=True, help="a set of examples: see `examples`, or a path")
    parser.add_argument("--layers", default="all", help="such as 0,14,29, or all")
    parser.add_argument("--methods", default="logistic,diffmean", help="logistic, diffmean (default: both)")
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of the split, the folds and the resampling")
    arguments.add_texts_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.examples import open_examples
    from core.probing import sweep

    examples = open_examples(args.examples, limit=args.limit)
    model = arguments.open_model_of(args)
    found = sweep(
        model,
        examples,
        arguments.layers(args.layers, model),
        methods=tuple(arguments.words(args.methods)),
        pool=args.pool,
        max_length=args.max_length,
        seed=args.seed,
        progress=progress,
    )
    return found.to_json()


def show(result: dict[str, Any]) -> str:
    rows = [
        [one["layer"], one["method"], one["auroc"], *one["auroc_ci"], one["accuracy"], one["n_train"], one["n_test"]]
        for one in result["results"]
    ]
    best = result["best"]
    low, high = best["auroc_ci"]
    return "\n".join(
        [
            table(("layer", "method", "AUROC", "from", "to", "accuracy", "train", "test"), rows),
            f"Strongest: layer {best['layer']}, {best['method']}, AUROC {best['auroc']:.3f} "
            f"({low:.3f} to {high:.3f}), chosen by cross-validation on the training part.",
        ]
    )
