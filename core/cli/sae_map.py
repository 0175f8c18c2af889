"""`sae map`: all features of a dictionary as points in the plane."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.progress import Listener

NAME = "sae map"
HELP = "draw the map of a dictionary: features that write similar directions lie side by side"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of all drawing (default: 0)")
    parser.add_argument("--points", action="store_true", help="give the points too, not only how many there are")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import open_dictionary
    from core.dictionaries.maps.feature_map import feature_map

    dictionary = open_dictionary(args.path)
    points = feature_map(dictionary, seed=args.seed, progress=progress)
    found: dict[str, Any] = {"name": dictionary.name, "features": len(points), "seed": args.seed}
    return {**found, "points": points.tolist()} if args.points else found


def show(result: dict[str, Any]) -> str:
    return f"The map of {result['name']} is drawn: {result['features']} features. The Features page shows it."
