"""`sae compare`: which features two dictionaries share."""

from __future__ import annotations

import argparse
from typing import Any

from core.progress import Listener

NAME = "sae compare"
HELP = "which features of one dictionary another one has as well"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("other", metavar="OTHER", help="another one")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import open_dictionary
    from core.dictionaries.metrics.compare import compare

    one, other = open_dictionary(args.path), open_dictionary(args.other)
    return {"names": [one.name, other.name], **compare(one, other).to_json()}


def show(result: dict[str, Any]) -> str:
    lines = [f"{result['mutual']} features are each other's nearest; cosine by chance {result['chance']:.2f}."]
    for name, side in zip(result["names"], ("first", "second"), strict=True):
        one = result[side]
        shares = ", ".join(f"{one[key]:.0%} {key.replace('_', ' ')}" for key in one if key.startswith("above"))
        lines.append(f"{name}: {one['features']} features, mean cosine {one['mean_cosine']:.2f}, {shares}")
    return "\n".join(lines)
