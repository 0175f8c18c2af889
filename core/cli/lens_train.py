"""`lens train`: the tuned lens of a model."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.progress import Listener

NAME = "lens train"
HELP = "train the tuned lens of a model (minutes; goes on where it was stopped)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--examples", metavar="ID", help="train on these texts (default: 2,000 of all bundled sets)")
    what.add_argument("--texts", metavar="FILE", help="train on a TXT file (one text a line), CSV or JSONL")
    parser.add_argument("--limit", type=arguments.count, help="use this many texts at the most")
    parser.add_argument("--layers", default="all", help="such as 0,14,28, or all")
    parser.add_argument("--epochs", type=arguments.count, help="how often the texts are gone through (default: 1)")
    parser.add_argument("--seed", type=arguments.seed, help="of the order of texts and the held-out part (default: 0)")
    parser.add_argument("--max-length", type=arguments.count, help="tokens at which a text is cut (default: 128)")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import with_parameters
    from core.examples import open_examples, read_texts, reference_texts
    from core.lenses import LensSettings, train_lens

    given = {name: getattr(args, name) for name in ("epochs", "seed", "max_length")}
    settings = with_parameters(LensSettings(), {name: value for name, value in given.items() if value is not None})
    if args.examples is not None:
        texts = list(open_examples(args.examples, limit=args.limit).texts)
    elif args.texts is not None:
        texts = read_texts(args.texts)[: args.limit]
    else:
        texts = list(reference_texts())[: args.limit]
    model = arguments.open_model_of(args)
    lens = train_lens(model, texts, layers=arguments.layers(args.layers, model), settings=settings, progress=progress)
    kept = ("n_train_texts", "n_train_tokens", "held_out")
    return {
        "key": lens.key,
        "model_id": model.id,
        "layers": list(lens.layers),
        "settings": dataclasses.asdict(settings),
        **{name: lens.manifest[name] for name in kept},
    }


def show(result: dict[str, Any]) -> str:
    held_out = result["held_out"]
    rows = [
        [one["layer"], one["logit_kl"], one["tuned_kl"], *one["tuned_ci"], one["logit_agree"], one["tuned_agree"]]
        for one in held_out["layers"]
    ]
    return "\n".join(
        [
            f"Tuned lens {result['key']}: {result['n_train_tokens']:,} tokens of {result['n_train_texts']:,} texts.",
            f"On {held_out['n_tokens']:,} tokens of {held_out['n_texts']:,} others, KL(final || lens) in nats:",
            table(("layer", "logit lens", "tuned lens", "from", "to", "logit agrees", "tuned agrees"), rows),
        ]
    )
