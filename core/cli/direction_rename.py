"""`direction rename`: another name for a saved direction."""

from __future__ import annotations

import argparse
from typing import Any

from core.progress import Listener

NAME = "direction rename"
HELP = "give a saved direction another name"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="NAME")
    parser.add_argument("new", metavar="NEW", help="a name that is free")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import rename_direction

    return {"old": args.old, "name": rename_direction(args.old, args.new).name}


def show(result: dict[str, Any]) -> str:
    return f"{result['old']} is now called {result['name']}."
