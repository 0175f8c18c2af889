"""`direction`: make a direction and save it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.directions import ModelPair, Texts, TokenLists
    from core.examples import Examples

NAME = "direction"
HELP = "make a direction and save it; `direction show`, `combine`, `export`, ... work with saved ones"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--examples", metavar="ID", help="a set of examples: see `examples`, or a path")
    what.add_argument("--texts", metavar="FILE", help="texts without labels, for the methods that need none")
    parser.add_argument(
        "--tokens", metavar="WORDS", help='for observable: two lists of words, "good,great|bad,terrible"'
    )
    parser.add_argument("--other", metavar="MODEL", help="for difference: the model that this one is compared with")
    parser.add_argument("--layer", type=int, required=True, help="counted from 0")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    parser.add_argument("--method", default="diffmean", help="such as diffmean, logistic, observable, difference")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the method")
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument("--save", metavar="NAME", required=True, help="name under which it is kept")
    arguments.add_texts_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import make_direction, method_named, save_direction, with_parameters
    from core.workspace import checked_name

    checked_name(args.save)
    method = with_parameters(method_named(args.method), arguments.assignments("--set", args.set))
    source: Any = {"examples": _examples, "tokens": _tokens, "models": _models}[method.made_from](args, method.title)
    model = arguments.open_model_of(args)
    direction = make_direction(
        model,
        source,
        model.site(args.layer, args.site),
        method,
        name=args.save,
        pool=args.pool,
        max_length=args.max_length,
        limit=args.limit,
        seed=args.seed,
        progress=progress,
    )
    save_direction(direction)
    return {
        "name": direction.name,
        "site": direction.site,
        "layer": direction.layer,
        "method": direction.method,
        "origin": direction.origin,
        "raw_norm": direction.raw_norm,
        "auroc": direction.auroc,
        "auroc_ci": None if direction.interval is None else list(direction.interval),
        "checks": direction.provenance["checks"],
        "note": direction.provenance["held_out"].get("note"),
    }


def _examples(args: argparse.Namespace, title: str) -> Examples:
    from core.examples import open_examples

    if args.examples is None:
        raise UserError(f"{title} makes a direction from labelled examples: name them with --examples.")
    return open_examples(args.examples, limit=args.limit)


def _tokens(args: argparse.Namespace, title: str) -> TokenLists:
    from core.directions import TokenLists

    if args.tokens is None:
        raise UserError(f'{title}: give them as --tokens "good,great|bad,terrible".')
    return TokenLists.parse(args.tokens, _texts(args))


def _models(args: argparse.Namespace, title: str) -> ModelPair:
    from core.directions import ModelPair
    from core.models import open_model

    texts = _texts(args)
    if args.other is None or texts is None:
        raise UserError(f"{title}: name the other model with --other, and texts with --texts or --examples.")
    return ModelPair(open_model(args.other, device=args.device, dtype=args.dtype), texts)


def _texts(args: argparse.Namespace) -> Texts | None:
    """The texts of --examples or --texts; None if neither is given."""
    from core.directions import Texts
    from core.examples import open_examples, read_texts

    if args.examples is not None:
        return Texts.of(open_examples(args.examples, limit=args.limit))
    return None if args.texts is None else Texts.plain(args.texts, read_texts(args.texts)[: args.limit])


def show(result: dict[str, Any]) -> str:
    said = f"Saved {result['name']}: {result['method']} at {result['site']}, raw norm {result['raw_norm']:.3g}"
    if result["auroc_ci"] is not None:
        low, high = result["auroc_ci"]
        said += f", held-out AUROC {result['auroc']:.3f} ({low:.3f} to {high:.3f})."
    elif result["checks"]:
        said += "."
    else:
        said += f". How well it does was not measured: {result['note']}"
    return "\n".join([said, *(_line(check) for check in result["checks"])])


def _line(check: dict[str, Any]) -> str:
    parts = [f"  {check['title']}: {check['value']:.3g}"]
    if check["interval"]:
        parts.append("({:.3g} to {:.3g})".format(*check["interval"]))
    if check["chance"]:
        parts.append(f"by chance {check['chance'][0]:.2g} to {check['chance'][1]:.2g}")
    return ", ".join(parts).replace(", (", " (")
