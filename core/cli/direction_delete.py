"""`direction delete`: remove saved directions."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

NAME = "direction delete"
HELP = "remove saved directions for good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", help="a saved direction; several with commas")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import delete_direction

    names = arguments.words(args.names)
    if not names:
        raise UserError("Name the direction to delete.")
    for name in names:
        delete_direction(name)
    return {"deleted": names}


def show(result: dict[str, Any]) -> str:
    return f"Deleted {', '.join(result['deleted'])}."
