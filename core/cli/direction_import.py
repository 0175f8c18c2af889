"""`direction import`: directions from files of this program or of others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core import workspace
from core.cli import arguments
from core.cli.directions import line
from core.errors import UserError
from core.progress import Listener

NAME = "direction import"
HELP = "save the direction in a safetensors, GGUF or CSV file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="ours, a GGUF control vector, or one vector as safetensors or CSV")
    parser.add_argument("--model", metavar="MODEL", help="the model that it is for, where the file does not say")
    parser.add_argument("--layer", type=int, help="counted from 0; of a control vector only this one is taken")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    arguments.add_save(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import Place, import_directions, save_directions
    from core.models import open_model
    from core.workspace import checked_name

    checked_name(args.save)
    path = workspace.readable(Path(args.file).expanduser())
    data = _read(path)
    if args.model is None and args.layer is not None:
        raise UserError("--layer says where in a model; name the model too (--model).")
    place = None if args.model is None else Place(open_model(args.model), args.layer, args.site)
    made = import_directions(data, name=args.save, file=path.name, place=place)
    save_directions(made, replace=args.replace)
    return {"directions": [line(one) for one in made]}


def _read(path: Path) -> bytes:
    from core.directions.imports import LARGEST

    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than {LARGEST >> 20} MB: a direction is one vector per layer.")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None


def show(result: dict[str, Any]) -> str:
    return "\n".join(
        f"Saved {one['name']} at {one['site']} of {one['model_id']}, raw norm {one['raw_norm']:.3g}."
        for one in result["directions"]
    )
