"""`probe`: where, and how well, a concept can be read."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.errors import UserError
from core.progress import Listener

NAME = "probe"
HELP = "how well a concept can be read at each layer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--examples", metavar="ID", required=True, help="a set of examples: see `examples`, or a path")
    parser.add_argument("--layers", default="all", help="such as 0,14,29, or all")
    parser.add_argument(
        "--methods",
        default="logistic,diffmean",
        help="of logistic, diffmean, ridge, lda, pca, or all (default: logistic,diffmean)",
    )
    parser.add_argument(
        "--controls",
        nargs="?",
        const="all",
        default="all",
        metavar="NAMES",
        help="of layer0, selectivity, codelength, or all, or none (default: all)",
    )
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of the split, the folds and the resampling")
    parser.add_argument("--seeds", default="", help="further splits: how many from --seed on, or numbers such as 0,1,2")
    arguments.add_texts_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.examples import open_examples
    from core.probing import CONTROLS, METHODS, sweep

    methods = _names(args.methods, list(METHODS))
    controls = _names(args.controls, list(CONTROLS))
    seeds = _seeds(args.seeds, args.seed)
    examples = open_examples(args.examples, limit=args.limit)
    model = arguments.open_model_of(args)
    found = sweep(
        model,
        examples,
        arguments.layers(args.layers, model),
        methods=methods,
        pool=args.pool,
        max_length=args.max_length,
        seed=seeds[0] if seeds else args.seed,
        seeds=seeds,
        controls=controls,
        progress=progress,
    )
    return found.to_json()


def show(result: dict[str, Any]) -> str:
    rows = [
        [
            one["layer"],
            one["method"],
            one["auroc"],
            *one["auroc_ci"],
            one["accuracy"],
            one["control_auroc"],
            one["selectivity"],
            one["compression"],
        ]
        for one in result["results"]
    ]
    best = result["best"]
    low, high = best["auroc_ci"]
    beside = ", ".join(f"{one['name']} {one['auroc']:.3f}" for one in result["baselines"])
    return "\n".join(
        [
            table(
                ("layer", "method", "AUROC", "from", "to", "accuracy", "shuffled", "selectivity", "compression"), rows
            ),
            f"Strongest: layer {best['layer']}, {best['method']}, AUROC {best['auroc']:.3f} "
            f"({low:.3f} to {high:.3f}) on {best['n_test']} texts, chosen by cross-validation on the other "
            f"{best['n_train']}.",
            f"Without the deeper layers: {beside}.",
        ]
    )


def _names(text: str, known: list[str]) -> tuple[str, ...]:
    """`all`, `none`, or some of the known names, which the function called checks."""
    if text.strip().lower() == "all":
        return tuple(known)
    return () if text.strip().lower() == "none" else tuple(arguments.words(text))


def _seeds(text: str, first: int) -> tuple[int, ...]:
    """`3` for three seeds from the first on, `4,5,9` for these."""
    parts = arguments.words(text)
    try:
        numbers = [arguments.seed(part) for part in parts]
    except argparse.ArgumentTypeError:
        raise UserError(f"--seeds takes a number of seeds such as 5, or seeds such as 0,1,2, not {text!r}.") from None
    if len(numbers) != 1:
        return tuple(dict.fromkeys(numbers))
    if not 1 <= numbers[0] <= 100:
        raise UserError(f"--seeds takes 1 to 100 seeds, not {numbers[0]}.")
    return tuple(range(first, first + numbers[0]))
