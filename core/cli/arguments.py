"""Arguments that several commands share, and lists as they are typed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from core import spaces
from core.errors import UserError

if TYPE_CHECKING:
    from core.engines import RayEngine
    from core.models import ImageModel, Model, Site

MAX_LENGTH = 256
MOST_PERMUTATIONS = 100_000


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see `{self.prog} --help`)\n")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="smollm2, a model or adapter directory, a .gguf file, a hub id")
    add_hardware(parser)
    parser.add_argument("--blocks", help="module path of the list of layers, where it is not found by itself")


def add_hardware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", help="cuda, mps or cpu (default: the best there is); spread: over all GPUs, memory and disk"
    )
    parser.add_argument(
        "--dtype", help="float32, bfloat16 or float16 (default: by device); int8 or int4: weights kept in fewer bits"
    )


def open_model_of(args: argparse.Namespace) -> Model:
    return opener_of(args)()


def opener_of(args: argparse.Namespace, spec: str | None = None) -> Callable[[], Model]:
    """What opens the model, as a value that can be sent to another process. spec: in place of MODEL."""
    from core.models import open_model

    own = args.model if spec is None else spec
    return partial(open_model, own, device=args.device, dtype=args.dtype, blocks=args.blocks)


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Who does the work: this process, or workers."""
    own = parser.add_argument_group("more machines (docs/scaling.md)")
    own.add_argument("--engine", default="local", choices=["local", "ray"], help="who does the work (default: local)")
    own.add_argument(
        "--address",
        metavar="WHERE",
        help="of Ray: local starts one here (default), auto finds one here, HOST:PORT or ray://HOST:PORT",
    )
    own.add_argument("--workers", type=count, help="each holds the model (default: one for each GPU, or 2)")
    own.add_argument("--threads", type=count, help="of each worker (default: the processors shared out)")


def engine_of(args: argparse.Namespace) -> RayEngine | None:
    """The engine that was asked for; None for this process alone."""
    if args.engine == "local":
        for name in ("address", "workers", "threads"):
            if getattr(args, name) is not None:
                raise UserError(f"--{name} is for --engine ray.")
        return None
    if args.device == "spread":
        raise UserError("With --engine ray each worker holds the whole model; leave --device spread out.")
    spaces.require_owner("Another engine, whose workers would not know whose work it is,")
    from core.engines import RayEngine

    return RayEngine(args.address or "local", args.workers, args.threads, args.device)


def add_images_options(parser: argparse.ArgumentParser, size: str = "--size") -> None:
    """What concerns models and sets of images alone. size: the option for pixels, where `--size` is something else."""
    own = parser.add_argument_group("images")
    own.add_argument("--crops", type=whole, default=0, help="crops of each image that are added, in its group")
    own.add_argument("--background", default="", help="colour behind transparent parts (default: white)")
    own.add_argument("--names", metavar="FILE", type=Path, help="class names, one a line, in place of the model's")
    own.add_argument(size, dest="pixels", type=count, help="pixels along an edge, in place of the model's own")
    own.add_argument("--mean", help="red, green and blue, 0 to 1, such as 0.485,0.456,0.406")
    own.add_argument("--std", help="deviation of red, green and blue, such as 0.229,0.224,0.225")
    own.add_argument(
        "--factory",
        metavar="FILE.py:FUNCTION",
        help="a function of yours that returns a torch module for images, given MODEL. This runs the file with all"
        " your rights: name only files that you trust",
    )


def reads_images(args: argparse.Namespace) -> bool:
    """Whether MODEL is one for images."""
    from core.models import kind_of

    return args.factory is not None or kind_of(args.model) == "image"


def open_image_model_of(args: argparse.Namespace) -> ImageModel:
    from core.models import open_image_model

    changes: dict[str, Any] = {}
    if args.pixels is not None:
        changes |= {"resize": (args.pixels, args.pixels), "crop": None}
    changes |= {name: _three(f"--{name}", text) for name in ("mean", "std") if (text := getattr(args, name))}
    return open_image_model(
        args.model, device=args.device, dtype=args.dtype, factory=args.factory, names=args.names, changes=changes
    )


def image_sites(text: str, model: ImageModel) -> list[Site]:
    """`all`, or layers by number or module path, with commas. Raises UserError for what is not there."""
    if text.strip().lower() == "all":
        return [each.site for each in model.maps]
    return list(dict.fromkeys(model.site(one) for one in words(text)))


def _three(option: str, text: str) -> tuple[float, float, float]:
    found = numbers(option, text)
    if len(found) not in (1, 3):
        raise UserError(f"{option} takes one number, or three with commas, not {text!r}.")
    red, green, blue = found if len(found) == 3 else found * 3
    return red, green, blue


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
    numbers = layer_numbers(text)
    for number in numbers or ():
        model.site(number)  # says which layers there are
    return list(range(model.n_layers)) if numbers is None else numbers


def layer_numbers(text: str) -> list[int] | None:
    """As `layers`, where no model is at hand: None for `all`."""
    if text.strip().lower() == "all":
        return None
    try:
        return list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise UserError(f"--layers takes numbers such as 0,14,29 or the word all, not {text!r}.") from None


def numbers(option: str, text: str) -> list[float]:
    """Comma-separated finite numbers. Raises UserError otherwise."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} takes numbers such as {option}=-0.5,0,0.5, not {text!r}.") from None
    if bad := [value for value in values if not math.isfinite(value)]:
        raise UserError(f"{option} takes finite numbers, not {bad[0]}.")
    return values


def assignments(option: str, texts: Sequence[str]) -> dict[str, float]:
    """`NAME=VALUE` each, values being finite numbers. Raises UserError otherwise."""
    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"{option} takes NAME=VALUE, such as {option} prompts=0, not {text!r}.")
        found[name.strip()] = numbers(f"{option} {name}", value)[0]
    return found


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"invalid count {text!r}: use a whole number, 1 or more")
    return int(text)


def permutations(text: str) -> int:
    """A whole number from 1 to 100,000: more would fill memory, and tell no p that matters better."""
    if (found := count(text)) > MOST_PERMUTATIONS:
        raise argparse.ArgumentTypeError(f"{found} permutations are too many: use {MOST_PERMUTATIONS} or fewer")
    return found


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"invalid number {text!r}: use a whole number, 0 or more")
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
