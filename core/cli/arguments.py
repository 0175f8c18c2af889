"""Arguments that several commands share, and lists as they are typed."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, NoReturn

from core.errors import UserError

if TYPE_CHECKING:
    from core.models import Model

MAX_LENGTH = 256


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see `{self.prog} --help`)\n")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="smollm2, a model or adapter directory, a .gguf file, a hub id")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    parser.add_argument("--dtype", help="float32, bfloat16 or float16 (default: by device)")
    parser.add_argument("--blocks", help="module path of the list of layers, where it is not found by itself")


def open_model_of(args: argparse.Namespace) -> Model:
    from core.models import open_model

    return open_model(args.model, device=args.device, dtype=args.dtype, blocks=args.blocks)


def add_texts_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=count, help="use this many rows in all, the classes in proportion")
    parser.add_argument("--max-length", type=int, default=MAX_LENGTH, help="tokens at which a text is cut")


def add_save(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save", metavar="NAME", required=True, help="name under which it is kept")
    add_replace(parser)


def add_replace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replace", action="store_true", help="put it in the place of what has this name already")


def layers(text: str, model: Model) -> list[int]:
    """`all`, or numbers such as `0,14,29`. Raises UserError for anything else and for layers that are not there."""
    if text.strip().lower() == "all":
        return list(range(model.n_layers))
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"--layers takes numbers such as 0,14,29 or the word all, not {text!r}.") from None
    for number in numbers:
        model.site(number)  # says which layers there are
    return list(dict.fromkeys(numbers))


def numbers(option: str, text: str) -> list[float]:
    """Comma-separated finite numbers. Raises UserError otherwise."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} takes numbers such as {option}=-0.5,0,0.5, not {text!r}.") from None
    if bad := [value for value in values if not math.isfinite(value)]:
        raise UserError(f"{option} takes finite numbers, not {bad[0]}.")
    return values


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"invalid count {text!r}: use a whole number, 1 or more")
    return int(text)


def seed(text: str) -> int:
    """A whole number that every library takes as a seed."""
    if not text.isascii() or not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"invalid seed {text!r}: use a whole number from 0 to {2**32 - 1}")
    return int(text)


def seeds(text: str) -> list[int]:
    """Comma-separated seeds."""
    return [seed(part.strip()) for part in text.split(",")]


def words(text: str) -> list[str]:
    """Comma-separated words."""
    return [part.strip() for part in text.split(",") if part.strip()]
