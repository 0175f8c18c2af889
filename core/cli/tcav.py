"""`tcav`: does the model's answer depend on a concept?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.cli.console import table
from core.cli.tcav_sets import (
    layers_of,
    open_controls_of,
    open_inputs,
    open_model_of,
    open_negatives,
    open_set,
    targets_of,
)
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.tcav import Reading, Settings

NAME = "tcav"
HELP = "whether the model's answers depend on a concept, beyond chance and beyond other concepts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--concepts", metavar="A,B", required=True, help="sets of examples, whose positives they are")
    parser.add_argument("--layers", required=True, help="such as 8,14,20, or all; of images also module paths")
    add_question(parser)
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--negatives", metavar="ID", help="a pool of negatives (default: each set's own)")
    against.add_argument("--against", metavar="ID", help="relative TCAV: the positives of this set as negatives")
    add_comparison(parser)
    parser.add_argument("--correction", default="holm", choices=["holm", "bh"], help="for the number of concepts")
    arguments.add_images_options(parser)


def add_question(parser: argparse.ArgumentParser) -> None:
    """What the concepts are tested on, and how: shared by the commands of this room."""
    parser.add_argument(
        "--target",
        metavar="SPEC",
        action="append",
        required=True,
        help="next words against next words: 'good,great|bad,terrible'; of a classifier class:zebra, or one class"
        " against another: 'class:zebra|horse'; may be given several times",
    )
    parser.add_argument(
        "--inputs", metavar="ID", required=True, help="the texts or images whose answers are asked about"
    )
    parser.add_argument("--mark", help="read the answer before this mark in each input (default: at its end)")
    parser.add_argument("--cavs", default="diffmean,lda", help="kinds that p looks at: diffmean, lda, logistic, svm")
    parser.add_argument("--cav", help="the kind whose scores are shown (default: the first of --cavs)")
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--permutations", type=arguments.permutations, default=999, help="at the least (default 999)")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of permutations, folds and resampling")


def add_comparison(parser: argparse.ArgumentParser) -> None:
    """What a verdict compares with, and how many texts are used."""
    parser.add_argument("--controls", type=int, default=60, help="bundled sets that stand for other concepts; 0: none")
    parser.add_argument("--pushed", type=int, default=32, help="inputs on which real pushes are measured; 0: none")
    parser.add_argument("--inputs-limit", type=arguments.count, help="use this many inputs")
    arguments.add_texts_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.tcav import tcav
    from core.tcav.sources import rival_of

    names = arguments.words(args.concepts)
    if not names:
        raise UserError("--concepts takes sets of examples, such as sae-probes/92_glue_sst2.")
    concepts = [open_set(args, name, args.limit) for name in dict.fromkeys(names)]
    inputs = open_inputs(args, args.inputs_limit or args.limit)
    negatives = None if args.negatives is None else open_negatives(args, args.negatives, args.limit)
    if args.against is not None:
        if args.against in names:
            raise UserError(f"{args.against} cannot be tested against itself; name another set.")
        negatives = rival_of(open_set(args, args.against, args.limit))
    settings = settings_of(args, args.correction)
    model = open_model_of(args)
    found = tcav(
        model,
        concepts,
        targets_of(args, model),
        inputs,
        layers_of(args, model),
        negatives=negatives,
        settings=settings,
        reading=reading_of(args),
        controls=open_controls_of(args),
        pushed=max(args.pushed, 0),
        progress=progress,
    )
    return found.to_json()


def settings_of(args: argparse.Namespace, correction: str = "holm") -> Settings:
    from core.tcav import Settings

    kinds = tuple(dict.fromkeys(arguments.words(args.cavs)))
    if not kinds:
        raise UserError("--cavs takes kinds of CAV, such as diffmean,lda.")
    return Settings(kinds, args.cav or kinds[0], correction, args.permutations, args.seed)


def reading_of(args: argparse.Namespace) -> Reading:
    from core.tcav import Reading

    return Reading(args.pool, args.max_length)


def show(result: dict[str, Any]) -> str:
    columns = ("concept", "target", "layer", "cav", "score", "mean_cosine", "push_effect", "specificity", "auroc")
    header = (*columns, "p adjusted", "verdict")
    rows = [[*(one[c] for c in columns), one["p_adjusted"], one["verdict"]] for one in result["results"]]
    return "\n".join([table(header, rows), *result["notes"]])
