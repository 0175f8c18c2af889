"""`tcav gcav`: one CAV for all layers, beside plain TCAV and mean fusion."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.cli.tcav import reading_of
from core.cli.tcav_sets import layers_of, open_inputs, open_model_of, open_negatives, open_set, targets_of
from core.errors import UserError
from core.progress import Listener

NAME = "tcav gcav"
HELP = "one CAV for all layers (GCAV): how much scores vary over layers, and what it costs, on held-out inputs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--concepts", metavar="A,B", required=True, help="sets of examples, whose positives they are")
    parser.add_argument("--negatives", metavar="ID", required=True, help="the pool of negatives and pseudo-concepts")
    parser.add_argument("--target", metavar="SPEC", action="append", required=True, help="as for `tcav`; one alone")
    parser.add_argument(
        "--inputs", metavar="ID", required=True, help="the texts or images whose answers are asked about"
    )
    parser.add_argument("--layers", required=True, help="two or more, such as 8,14,20, or all")
    parser.add_argument("--mark", help="read the answer before this mark in each input (default: at its end)")
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of halves, draws and networks")
    parser.add_argument("--inputs-limit", type=arguments.count, help="use this many inputs")
    arguments.add_texts_options(parser)
    arguments.add_images_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.tcav.gcav_run import gcav

    if len(args.target) > 1:
        raise UserError("GCAV is for one target; give --target once.")
    concepts = [open_set(args, name, args.limit) for name in dict.fromkeys(arguments.words(args.concepts))]
    negatives = open_negatives(args, args.negatives, args.limit)
    inputs = open_inputs(args, args.inputs_limit or args.limit)
    model = open_model_of(args)
    return gcav(
        model,
        concepts,
        targets_of(args, model)[0],
        inputs,
        layers_of(args, model),
        negatives,
        reading=reading_of(args),
        seed=args.seed,
        progress=progress,
    )


def show(result: dict[str, Any]) -> str:
    columns = ("concept", "way", "mean", "variation", "auroc", "p")
    rates = ", ".join(f"{way} {rate:.1%}" for way, rate in result["false_positive_rate"].items())
    return "\n".join(
        [
            table(columns, [[one[column] for column in columns] for one in result["found"]]),
            f"Pseudo-concepts with p up to .05: {rates} (should be 5%); {result['without_fusion']:.1%} of GCAV's, if"
            " what they are compared with skips the networks.",
            *result["notes"],
        ]
    )
