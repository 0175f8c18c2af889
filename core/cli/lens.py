"""`lens`: what a model would say after each of its layers."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.errors import UserError
from core.progress import Listener

NAME = "lens"
HELP = "what the model would say after each layer (`lens train` makes the tuned lens)"
SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--prompt", metavar="TEXT", required=True, help="the text that is read")
    parser.add_argument("--tuned", action="store_true", help="through the tuned lens, which `lens train` makes")
    parser.add_argument("--layers", default="all", help="such as 0,14,29, or all; the last one is always shown")
    parser.add_argument("--top", type=arguments.count, default=SHOWN, help="how many likely tokens (default: 5)")
    parser.add_argument("--token", help="follow the rank of this token, with its space (default: the model's own best)")
    parser.add_argument("--max-length", type=arguments.count, default=128, help="tokens at which the prompt is cut")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.lenses import find_lens, load_lens, read_lens

    model = arguments.open_model_of(args)
    lens = None
    if args.tuned:
        key = find_lens(model)
        if key is None:
            raise UserError(f"There is no tuned lens for {model.id} yet: `python -m core lens train {args.model}`.")
        lens = load_lens(key)
    found = read_lens(
        model,
        args.prompt,
        layers=arguments.layers(args.layers, model),
        lens=lens,
        k=args.top,
        token=args.token,
        max_length=args.max_length,
    )
    return found.to_json() | {"key": None if lens is None else lens.key}


def show(result: dict[str, Any]) -> str:
    last = len(result["tokens"]) - 1
    rows = [
        [
            layer,
            ", ".join(f"{text!r} {p:.2f}" for text, p in result["top"][row][last][:SHOWN]),
            result["entropy"][row][last],
            result["kl"][row][last],
            result["rank"][row][last],
        ]
        for row, layer in enumerate(result["layers"])
    ]
    return "\n".join(
        [
            f"After {result['tokens'][last]!r}, the last of {last + 1} tokens, through the {result['lens']} lens:",
            table(("layer", "most likely", "entropy", "KL", f"rank of {result['chosen'][last]!r}"), rows),
            "Entropy and KL(final || lens) in nats. With --json: every token.",
            *(
                [f"The last {result['cut']:,} tokens of the prompt were left out (--max-length)."]
                if result["cut"]
                else []
            ),
        ]
    )
