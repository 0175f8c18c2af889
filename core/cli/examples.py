"""`examples`: the labelled sets at hand."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.progress import Listener

NAME = "examples"
HELP = "the example sets that are at hand"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--search", default="", help="only sets whose id, title or subject holds these words")
    parser.add_argument("--limit", type=arguments.count, help="show at most this many")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.examples import catalogue, prepare

    prepare(progress)
    wanted = args.search.lower().split()
    found = []
    for info in catalogue():
        text = f"{info.id} {info.title} {info.subject}".lower()
        if all(word in text for word in wanted):
            found.append(asdict(info))
    return {"examples": found[: args.limit]}


def show(result: dict[str, Any]) -> str:
    columns = ("id", "subject", "positives", "negatives", "title")
    return table(columns, [[one[column] for column in columns] for one in result["examples"]])
