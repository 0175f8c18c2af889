"""`sae features`: the features of an indexed dictionary, as a sorted table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cli import arguments
from core.cli.console import table
from core.cli.sae_model import add_model_options, open_model_for
from core.progress import Listener

if TYPE_CHECKING:
    from core.dictionaries import Dictionary
    from core.models import Model

NAME = "sae features"
HELP = "features of an indexed dictionary: sorted and filtered by anything"

LIMIT = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("--sort", default="density", help="column to sort by (default: density)")
    parser.add_argument("--ascending", action="store_true", help="the smallest first")
    parser.add_argument("--limit", type=arguments.count, default=LIMIT, help=f"features shown (default: {LIMIT})")
    parser.add_argument(
        "--min", metavar="NAME=VALUE", action="append", default=[], help="only lines with at least that"
    )
    parser.add_argument("--index", metavar="KEY", help="which index (default: the one over most tokens)")
    add_model_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary

    found = open_dictionary(args.path)
    model = open_model_for(args, found)
    bound = fitted(found, model, accept=args.accept)
    return _sorted(args, model, bound)


def _sorted(args: argparse.Namespace, model: Model, dictionary: Dictionary) -> dict[str, Any]:
    from core.dictionaries.index import open_index
    from core.dictionaries.index.feature import examples_of
    from core.dictionaries.index.labels import labels_of
    from core.dictionaries.index.table import sorted_table, table_of

    index = open_index(dictionary, key=args.index)
    lines = table_of(index, model, labels_of(index, dictionary))
    least = arguments.assignments("--min", args.min)
    down = False if args.ascending else None
    chosen = sorted_table(lines, args.sort, descending=down, least=least)
    features = []
    for line in chosen.head(args.limit).to_dict("records"):
        features.append({name: plain(line[name]) for name in lines.columns})
        examples = examples_of(index, model, int(line["feature"]), EXAMPLES)
        features[-1]["examples"] = [one.to_json() for one in examples]
    return {"total": len(chosen), "features": features, "index": index.to_json()}


EXAMPLES = 3  # of each band


def plain(value: Any) -> Any:
    """A cell as JSON: what is not known is null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def show(result: dict[str, Any]) -> str:
    rows = [
        [
            one["feature"],
            one["label"] or "-",
            one["label_score"],
            one["density"],
            one["max"],
            " ".join(one["top_tokens"]),
        ]
        for one in result["features"]
    ]
    said = f"{len(rows)} of {result['total']} features, over {result['index']['tokens']:,} tokens"
    return f"{said}\n{table(('feature', 'label', 'score', 'density', 'max', 'tokens'), rows)}"
