"""`sae export`: a dictionary as a directory that SAELens opens."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.progress import Listener

NAME = "sae export"
HELP = "write a dictionary as a SAELens directory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("target", metavar="TARGET", help="a new directory")
    parser.add_argument("--half", action="store_true", help="store weights in 16 bits")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    import torch

    from core.dictionaries import export_dictionary, open_dictionary

    store = torch.float16 if args.half else None
    try:
        target = Path(args.target).expanduser()
        written = export_dictionary(open_dictionary(args.path), target, store=store)
    except (OSError, RuntimeError, ValueError) as error:  # no permission, the home of nobody, no name for a file
        raise UserError(f"{args.target[:80]!r} cannot be written ({error}); name another directory.") from None
    return {"path": str(target), "files": [str(path) for path in written]}


def show(result: dict[str, Any]) -> str:
    return "\n".join(result["files"])
