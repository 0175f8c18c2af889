"""`models`: what can be opened now."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from core.cli.console import table
from core.progress import Listener

NAME = "models"
HELP = "the models that can be opened now"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.models import list_models

    return {"models": [asdict(info) for info in list_models()]}


def show(result: dict[str, Any]) -> str:
    columns = ("id", "kind", "layers", "width", "ready", "source")
    return table(columns, [[model[column] for column in columns] for model in result["models"]])
