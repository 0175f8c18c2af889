"""`tcav scan`: every concept at hand, ranked for one target."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.cli.tcav import add_question, reading_of, settings_of
from core.cli.tcav_sets import open_controls_of, open_inputs, open_model_of, open_set, targets_of
from core.errors import UserError
from core.progress import Listener

NAME = "tcav scan"
HELP = "which concepts the answer depends on: all sets at hand, ranked for one target"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--layer", required=True, help="counted from 0; of images also a module path")
    add_question(parser)
    parser.add_argument("--concepts", metavar="A,B", help="only these sets (default: all saved and bundled ones)")
    parser.add_argument("--pushed", type=int, default=32, help="inputs on which real pushes are measured; 0: none")
    parser.add_argument("--inputs-limit", type=arguments.count, default=100, help="use this many inputs (default 100)")
    parser.add_argument("--limit", type=arguments.count, help="rows of each set (default 120)")
    parser.add_argument("--max-length", type=int, default=arguments.MAX_LENGTH, help="tokens at which a text is cut")
    parser.add_argument(
        "--controls", type=int, default=60, help="of images: pairs that stand for other concepts; 0: none"
    )
    arguments.add_images_options(parser)
    arguments.add_engine(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.tcav.scan import ROWS, concepts_at_hand, scan

    if len(args.target) > 1:
        raise UserError("A scan ranks for one target; give --target once.")
    images, engine = arguments.reads_images(args), arguments.engine_of(args)
    if images and engine is not None:
        raise UserError("A scan of images runs in this process alone; leave out --engine ray.")
    names = concepts_at_hand(images=images) if args.concepts is None else arguments.words(args.concepts)
    settings = settings_of(args)
    inputs = open_inputs(args, args.inputs_limit)
    concepts = [open_set(args, name, args.limit or ROWS) for name in dict.fromkeys(names)]
    model = open_model_of(args)
    asked = (concepts, targets_of(args, model)[0], inputs, _layer(args.layer, images))
    if engine is not None:
        from core.engines import scan_on

        opener = arguments.opener_of(args)
        return scan_on(
            engine,
            opener,
            model,  # type: ignore[arg-type]  # a model of texts
            *asked,  # type: ignore[arg-type]  # a layer by its number
            settings=settings,
            reading=reading_of(args),
            pushed=max(args.pushed, 0),
            progress=progress,
        )
    return scan(
        model,
        *asked,
        settings=settings,
        reading=reading_of(args),
        # Texts have a hundred sets to rank, each of which stands for "another concept" beside the others.
        controls=open_controls_of(args) if images else (),
        pushed=max(args.pushed, 0),
        progress=progress,
    )


def _layer(text: str, images: bool) -> int | str:
    if images:
        return text
    if not text.isdigit():
        raise UserError(f"--layer takes the number of a layer, such as 14, not {text!r}.")
    return int(text)


def show(result: dict[str, Any]) -> str:
    columns = ("rank", "concept", "mean_cosine", "score", "p_adjusted", "auroc", "specificity", "verdict")
    rows = [[one[column] for column in columns] for one in result["results"][:20]]
    return "\n".join([table([column.replace("_", " ") for column in columns], rows), *result["notes"]])
