"""What the commands about dictionaries share: the model that a dictionary belongs to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.errors import UserError

if TYPE_CHECKING:
    from core.dictionaries import Dictionary
    from core.models import Model


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The model is an option here: most dictionaries name theirs."""
    parser.add_argument("--model", metavar="MODEL", help="the model (default: the one that the dictionary names)")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    parser.add_argument("--dtype", help="float32, bfloat16 or float16 (default: by device)")
    parser.add_argument("--blocks", help="module path of the list of layers, where it is not found by itself")
    parser.add_argument("--accept", action="store_true", help="you have looked: it belongs to this model and place")


def open_model_for(args: argparse.Namespace, dictionary: Dictionary) -> Model:
    """The model that was asked for, else the one that the dictionary names."""
    return opener_for(args, dictionary)()


def opener_for(args: argparse.Namespace, dictionary: Dictionary) -> Callable[[], Model]:
    """What opens it, as a value that can be sent to another process."""
    from core.cli.arguments import opener_of
    from core.dictionaries.fitting import same_model
    from core.models.bundled import BUNDLED

    name = args.model or dictionary.card.model_id or dictionary.metadata.get("model_name")
    if not isinstance(name, str) or not name:
        raise UserError(f"The dictionary {dictionary.name!r} does not say on which model it was trained: use --model.")
    bundled = [one for one in BUNDLED if same_model(one, name)]
    return opener_of(args, bundled[0] if bundled and not args.model else name)


def about(dictionary: Dictionary) -> dict[str, Any]:
    """What a result says of the dictionary that it is of."""
    return {key: dictionary.to_json()[key] for key in ("name", "kind", "features", "model", "site")}
