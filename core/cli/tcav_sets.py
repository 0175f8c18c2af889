"""What the commands of `tcav` are given: sets of texts or of images, as the model calls for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import arguments
from core.errors import UserError

if TYPE_CHECKING:
    from core.models import ImageModel, Model
    from core.tcav import Inputs, Pool, Target
    from core.tcav.sources import Labelled


def open_model_of(args: argparse.Namespace) -> Model | ImageModel:
    """Raises UserError too for options that a model of images has no use for."""
    if not arguments.reads_images(args):
        return arguments.open_model_of(args)
    if args.mark is not None:
        raise UserError("--mark is for texts: a classifier gives one answer for each image.")
    return arguments.open_image_model_of(args)


def layers_of(args: argparse.Namespace, model: Model | ImageModel) -> Sequence[int | str]:
    """`all`, or numbers; of images also module paths."""
    from core.models import ImageModel

    if not isinstance(model, ImageModel):
        return arguments.layers(args.layers, model)
    if args.layers.strip().lower() == "all":
        return list(range(model.n_layers))
    return arguments.words(args.layers)


def targets_of(args: argparse.Namespace, model: Model | ImageModel) -> list[Target]:
    from core.tcav.known import known_target

    return [known_target(model, spec) for spec in dict.fromkeys(args.target)]


def open_set(args: argparse.Namespace, id: str, limit: int | None) -> Labelled:
    """A labelled set by its id."""
    from core.examples import open_examples, open_images

    if not arguments.reads_images(args):
        return open_examples(id, limit=limit)
    return open_images(id, limit=limit, background=args.background, crops=args.crops)


def open_inputs(args: argparse.Namespace, limit: int | None) -> Inputs:
    """All rows of a labelled set, or the lines of a text file, each cut at the mark."""
    from core.examples import open_examples, open_images, read_texts
    from core.tcav import make_inputs
    from core.tcav.targets import cut_at_mark

    id = args.inputs
    if arguments.reads_images(args):
        found = open_images(id, limit=limit, background=args.background)
        return make_inputs(id, found.images, found.groups)
    groups = None
    if _is_list(id):
        texts: Sequence[str] = read_texts(id)[:limit]
    else:
        examples = open_examples(id, limit=limit)
        texts, groups = examples.texts, examples.groups
    return make_inputs(id, [cut_at_mark(text, args.mark) for text in texts], groups, whole=texts)


def open_negatives(args: argparse.Namespace, id: str, limit: int | None) -> Pool:
    """The negatives of a labelled set, or the lines of a text file."""
    from core.examples import read_texts
    from core.tcav import pool_of, pool_of_texts

    if not arguments.reads_images(args) and _is_list(id):
        return pool_of_texts(id, read_texts(id)[:limit])
    return pool_of(open_set(args, id, limit))


def open_controls_of(args: argparse.Namespace) -> Sequence[Labelled]:
    from core.tcav import open_controls, open_image_controls

    if args.controls < 1:
        return ()
    return open_image_controls(args.controls) if arguments.reads_images(args) else open_controls(args.controls)


def _is_list(id: str) -> bool:
    return Path(id).suffix.lower() == ".txt"
