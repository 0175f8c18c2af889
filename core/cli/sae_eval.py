"""`sae eval`: what a dictionary explains and what it breaks."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.cli.sae_model import about, add_model_options, open_model_for
from core.errors import UserError
from core.progress import Listener

NAME = "sae eval"
HELP = "what a dictionary explains and what it breaks, on held-out texts of the corpus or on a labelled set"

TEXTS, BROKEN = 1000, 200
FIGURES = ("explained_variance", "ce_recovered", "ce_recovered_mean", "l0", "dead")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("--examples", metavar="ID", help="measure on this set (default: held-out texts of the corpus)")
    parser.add_argument("--limit", type=arguments.count, default=TEXTS, help=f"texts that are read (default: {TEXTS})")
    parser.add_argument(
        "--broken",
        type=arguments.count,
        default=BROKEN,
        help=f"texts on which cross-entropy is measured, four passes each (default: {BROKEN})",
    )
    parser.add_argument("--max-length", type=int, default=arguments.MAX_LENGTH, help="tokens at which a text is cut")
    add_model_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.metrics.evaluate import doubt, evaluate

    found = open_dictionary(args.path)
    texts, groups = _texts(args)
    model = open_model_for(args, found)
    bound = fitted(found, model, accept=args.accept)
    figures = evaluate(
        model, bound, texts, groups=groups, broken=args.broken, max_length=args.max_length, progress=progress
    )
    details = {key: value for key, value in figures.items() if key not in FIGURES}
    details["texts_are"] = (
        bound.card.held_out
        if args.examples is None
        else (f"texts of {args.examples}; whether it was trained on some of them is not known")
    )
    details |= {"published": dict(bound.published), "warning": doubt(figures["explained_variance"]), **about(bound)}
    return {**{key: figures[key] for key in FIGURES}, "details": details}


def _texts(args: argparse.Namespace) -> tuple[list[str], list[int]]:
    from core.examples import open_examples
    from core.examples.corpus import MOST_HELD_OUT, held_out

    if args.examples is not None:
        examples = open_examples(args.examples, limit=args.limit)
        return list(examples.texts), examples.groups.tolist()
    if args.limit > MOST_HELD_OUT:
        raise UserError(f"The corpus holds out {MOST_HELD_OUT} texts, not {args.limit}; use a smaller --limit.")
    drawn = held_out(args.limit)
    return list(drawn.texts), list(drawn.groups)


def show(result: dict[str, Any]) -> str:
    details, rows = result["details"], []
    for name in FIGURES:
        low, high = details["intervals"].get(name) or (None, None)
        rows.append([name, result[name], low, high, details["published"].get(name)])
    said = table(("figure", "value", "from", "to", "published"), rows)
    said += f"\nOn {details['texts']:,} {details['texts_are']}."
    return f"{said}\n{details['warning']}" if details["warning"] else said
