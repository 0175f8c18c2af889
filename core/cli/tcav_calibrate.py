"""`tcav calibrate`: how often the test finds something where there is nothing, and where there is something."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.tcav import add_comparison, add_question, reading_of, settings_of
from core.cli.tcav_sets import (
    layers_of,
    open_controls_of,
    open_inputs,
    open_model_of,
    open_negatives,
    open_set,
    targets_of,
)
from core.progress import Listener

NAME = "tcav calibrate"
HELP = "check the test of `tcav`: random sets as concepts, planted ones, and power for a real one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--negatives", metavar="ID", required=True, help="the pool that random sets are drawn from")
    parser.add_argument("--concept", metavar="ID", help="a set whose positives are to be found, for the power")
    parser.add_argument("--layers", required=True, help="such as 12")
    parser.add_argument("--runs", type=arguments.count, default=400, help="of each kind (default 400)")
    parser.add_argument("--size", type=arguments.count, default=50, help="positives, and negatives, of every run")
    add_question(parser)
    add_comparison(parser)
    arguments.add_images_options(parser, size="--pixels")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.tcav import check

    negatives = open_negatives(args, args.negatives, args.limit)
    concept = None if args.concept is None else open_set(args, args.concept, args.limit)
    inputs = open_inputs(args, args.inputs_limit or args.limit)
    settings = settings_of(args)
    model = open_model_of(args)
    return check(
        model,
        negatives,
        targets_of(args, model),
        inputs,
        layers_of(args, model),
        concept=concept,
        settings=settings,
        reading=reading_of(args),
        controls=open_controls_of(args),
        pushed=max(args.pushed, 0),
        runs=args.runs,
        size=args.size,
        progress=progress,
    )


def show(result: dict[str, Any]) -> str:
    supported = result["supported_orthogonal"]
    said = "not tested" if supported is None else f"in {supported:.1%}"
    lines = [
        f"{result['runs']} runs of {result['size']} against {result['size']}:",
        f"random sets: p up to .05 in {result['false_positive_rate']:.1%} (should be 5%)",
        f"planted across all gradients (AUROC {result['planted_auroc']:.2f}): supported {said}, p up to .05 in"
        f" {result['planted_found']:.1%}",
    ]
    if result["power"] is not None:
        lines.append(f"the concept: p up to .05 in {result['power']:.1%}")
    return "\n".join(lines)
