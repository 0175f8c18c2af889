"""`sae`: the dictionaries at hand."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli.console import table
from core.progress import Listener

NAME = "sae"
HELP = "dictionaries at hand (sparse autoencoders and others); see `sae train`, `sae import`, `sae eval`, ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import list_dictionaries

    return {"dictionaries": [one.to_json() for one in list_dictionaries()]}


def show(result: dict[str, Any]) -> str:
    if not result["dictionaries"]:
        return "There is no dictionary yet; `sae train` makes one and `sae import` brings one in."
    columns = ("name", "kind", "features", "model", "site")
    return table(columns, [[one[column] for column in columns] for one in result["dictionaries"]])
