"""`direction export`: saved directions as a file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core import workspace
from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

NAME = "direction export"
HELP = "write saved directions to a file for other programs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", help="a saved direction; for gguf several with commas, one per layer")
    parser.add_argument("--format", required=True, help="gguf (control vector), safetensors or csv")
    parser.add_argument("--output", metavar="FILE", required=True, help="the file to write")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--length", type=float, default=1.0, help="of the vectors in the file (default: 1)")
    size.add_argument(
        "--per-dose",
        metavar="MODEL",
        help="make the vectors as long as the typical activation of their site in MODEL, so that a strength is a dose",
    )
    arguments.add_replace(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import export, load_direction, typical_lengths
    from core.models import open_model

    path = Path(args.output).expanduser()
    if path.exists() and not args.replace:
        raise UserError(f"{path} exists already: choose another file, or add --replace.")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} to write to; make it first.")
    directions = [load_direction(name) for name in arguments.words(args.names)]
    lengths = [args.length] * len(directions)
    if args.per_dose is not None:
        lengths = typical_lengths(open_model(args.per_dose), directions, progress=progress)
    data = export(directions, args.format, lengths=lengths)
    workspace.write_bytes(path, data)
    return {
        "path": str(path.resolve()),
        "format": args.format,
        "bytes": len(data),
        "directions": [
            {"name": one.name, "layer": one.layer, "length": length}
            for one, length in zip(directions, lengths, strict=True)
        ],
    }


def show(result: dict[str, Any]) -> str:
    held = (f"{one['name']} (layer {one['layer']}, length {one['length']:.4g})" for one in result["directions"])
    return f"Wrote {result['path']}: {', '.join(held)}."
