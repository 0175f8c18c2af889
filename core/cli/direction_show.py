"""`direction show`: everything that is known of a saved direction."""

from __future__ import annotations

import argparse
import json
from typing import Any

from core.progress import Listener

NAME = "direction show"
HELP = "everything that is known of a saved direction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a saved direction: see `directions`")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import load_direction

    direction = load_direction(args.name)
    interval = direction.interval
    return {
        **direction.to_json(),
        "auroc_ci": None if interval is None else list(interval),
        "origin": direction.origin,
        "created": direction.created,
        "digest": direction.digest,
    }


def show(result: dict[str, Any]) -> str:
    return json.dumps(result, indent=1, ensure_ascii=False)
