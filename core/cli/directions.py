"""`directions`: the library of saved directions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.console import table
from core.progress import Listener

if TYPE_CHECKING:
    from core.directions import Direction

NAME = "directions"
HELP = "the saved directions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="ID", help="only those made on this model, by its id")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import list_directions

    return {"directions": [line(one) for one in list_directions() if args.model in (None, one.model_id)]}


def line(direction: Direction) -> dict[str, Any]:
    """What is said of a direction where many are listed."""
    interval = direction.interval
    return {
        "name": direction.name,
        "model_id": direction.model_id,
        "site": direction.site,
        "layer": direction.layer,
        "width": direction.width,
        "method": direction.method,
        "raw_norm": direction.raw_norm,
        "auroc": direction.auroc,
        "auroc_ci": None if interval is None else list(interval),
        "examples": direction.examples,
        "origin": direction.origin,
        "created": direction.created,
    }


def show(result: dict[str, Any]) -> str:
    if not result["directions"]:
        return "There are no saved directions; `direction MODEL --examples ID --layer 13 --save NAME` makes one."
    columns = ("name", "model_id", "layer", "method", "auroc", "raw_norm", "origin")
    return table(columns, [[one[column] for column in columns] for one in result["directions"]])
