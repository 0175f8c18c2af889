"""`direction combine`: a sum of saved directions, or what of one lies outside others."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.directions import line
from core.progress import Listener

NAME = "direction combine"
HELP = "add, subtract, scale and orthogonalise saved directions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("expression", metavar="EXPRESSION", help='such as "mood - 0.5*length", each of length 1')
    parser.add_argument("--orthogonal-to", default="", metavar="A,B", help="leave out what lies in the span of these")
    arguments.add_save(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import combine_saved, save_direction

    made = combine_saved(args.expression, name=args.save, orthogonal_to=arguments.words(args.orthogonal_to))
    save_direction(made, replace=args.replace)
    return {**line(made), "provenance": made.provenance}


def show(result: dict[str, Any]) -> str:
    said = f"Saved {result['name']} = {result['origin']} at {result['site']}"
    return f"{said}, of length {result['raw_norm']:.3g} before it was scaled to 1."
