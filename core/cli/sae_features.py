"""`sae features`: the features of an indexed dictionary, as a table, in a text, or for a labelled set."""

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
    from core.dictionaries.index import Index
    from core.dictionaries.index.labels import Label
    from core.models import Model

NAME = "sae features"
HELP = "features of an indexed dictionary: sorted by anything, found by words, on in a text, or for a labelled set"

LIMIT = 20
EXAMPLES = 3  # of each band
SEARCHES = ("label", "text", "meaning")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument("--sort", default="density", help="column to sort by (default: density)")
    parser.add_argument("--ascending", action="store_true", help="the smallest first")
    parser.add_argument("--limit", type=arguments.count, default=LIMIT, help=f"features shown (default: {LIMIT})")
    parser.add_argument("--min", metavar="NAME=VALUE", action="append", default=[], help="with at least that")
    parser.add_argument("--probe", metavar="NAME", help="add columns: what a saved direction gives to each")
    parser.add_argument("--max-density", type=float, default=1.0, help="of --text: hide what is on more often")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--text", metavar="TEXT", help="features that are on in this text, token by token")
    what.add_argument("--examples", metavar="ID", help="features that separate this labelled set, best first")
    what.add_argument("--search", metavar="WORDS", help="features found by these words")
    parser.add_argument("--by", choices=SEARCHES, default="label", help="search labels, texts of examples, or meanings")
    parser.add_argument("--rows", type=arguments.count, help="of --examples, use this many rows in all")
    parser.add_argument("--pool", choices=("max", "mean"), help="of --examples: a text's code over its tokens")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of --examples: of halves and permutations")
    parser.add_argument("--index", metavar="KEY", help="which index (default: the one over most tokens)")
    add_model_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary

    found = open_dictionary(args.path)
    model = open_model_for(args, found)
    bound = fitted(found, model, accept=args.accept)
    if args.text is not None:
        return _in_text(args, model, bound)
    if args.examples is not None:
        return _for_concept(args, model, bound, progress)
    return _listed(args, model, bound, progress)


def _listed(args: argparse.Namespace, model: Model, dictionary: Dictionary, progress: Listener) -> dict[str, Any]:
    from core.dictionaries.index import open_index
    from core.dictionaries.index.feature import examples_of
    from core.dictionaries.index.labels import labels_of
    from core.dictionaries.index.probed import probed, with_probe
    from core.dictionaries.index.table import sorted_table, table_of
    from core.directions import load_direction

    index = open_index(dictionary, key=args.index)
    labels = labels_of(index, dictionary)
    lines = table_of(index, model, labels)
    if args.probe is not None:
        lines = with_probe(lines, probed(dictionary, load_direction(args.probe)))
    least = arguments.assignments("--min", args.min)
    chosen = sorted_table(lines, args.sort, descending=False if args.ascending else None, least=least)
    scores: dict[int, float] = {}
    if args.search is not None:
        scores = _searched(args, index, model, labels, progress)
        chosen = chosen[chosen["feature"].isin(scores)]
        chosen = chosen.sort_values("feature", key=lambda column: -column.map(scores), kind="stable")
    features = []
    for line in chosen.head(args.limit).to_dict("records"):
        feature = int(line["feature"])
        features.append({name: _plain(line[name]) for name in lines.columns})
        features[-1] |= {"found": scores[feature]} if feature in scores else {}
        features[-1]["examples"] = [one.to_json() for one in examples_of(index, model, feature, EXAMPLES)]
    return {"total": len(chosen), "features": features, "index": index.to_json()}


def _searched(
    args: argparse.Namespace, index: Index, model: Model, labels: dict[int, Label], progress: Listener
) -> dict[int, float]:
    from core.dictionaries.index import search

    if args.by == "text":
        found = search.by_text(index, model, args.search, progress=progress)
    elif args.by == "meaning":
        found = search.by_meaning(labels, args.search, progress=progress)
    else:
        found = search.by_label(labels, args.search)
    return {one.feature: one.score for one in found}


def _in_text(args: argparse.Namespace, model: Model, dictionary: Dictionary) -> dict[str, Any]:
    from core.dictionaries.index.active import active_in

    index, labels = _if_indexed(dictionary, args.index)
    density = index.density if index else None
    read = active_in(model, dictionary, args.text)
    tokens = []
    for position, piece in enumerate(read.pieces):
        features = [
            {"feature": feature, "value": value, "label": labels[feature].text if feature in labels else ""}
            for feature, value in read.at(position, density, args.max_density)[: args.limit]
        ]
        tokens.append({"token": piece, "read": bool(read.kept[position]), "features": features})
    strongest = read.strongest(density, args.max_density)
    return {
        "text": args.text,
        "cut": read.cut,
        "tokens": tokens,
        "total": len(strongest),
        "features": [
            {**one.to_json(), "label": labels[one.feature].text if one.feature in labels else ""}
            for one in strongest[: args.limit]
        ],
    }


def _for_concept(args: argparse.Namespace, model: Model, dictionary: Dictionary, progress: Listener) -> dict[str, Any]:
    from core.dictionaries.index.concept import features_for
    from core.examples import open_examples

    examples = open_examples(args.examples, limit=args.rows)
    _, labels = _if_indexed(dictionary, args.index)
    found = features_for(model, dictionary, examples, pool=args.pool, seed=args.seed, progress=progress).to_json()
    for one in (found["best"], *found["features"]):
        one["label"] = labels[one["feature"]].text if one["feature"] in labels else ""
    return {**found, "total": len(found["features"]), "features": found["features"][: args.limit]}


def _if_indexed(dictionary: Dictionary, key: str | None) -> tuple[Index | None, dict[int, Label]]:
    """The index and its labels; neither is needed to encode a text."""
    from core.dictionaries.index import list_indexes, open_index
    from core.dictionaries.index.labels import labels_of

    if key is None and not list_indexes(dictionary):
        return None, {}
    index = open_index(dictionary, key=key)
    return index, labels_of(index, dictionary)


def _plain(value: Any) -> Any:
    """A cell as JSON: what is not known is null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def show(result: dict[str, Any]) -> str:
    if "tokens" in result:
        return table(
            ("token", "strongest features"), [[repr(one["token"])[1:-1], _on(one)] for one in result["tokens"]]
        )
    if "examples_id" in result:
        names, best = ("feature", "label", "auroc", "p_adjusted", "train_auroc"), result["best"]
        said = f"{result['tested']} of {result['considered']} features, tested on {result['n_test']} held-out texts."
        said += f" Chosen on the others: {best['feature']}, AUROC {best['auroc']:.3f}."
        return f"{said}\n{table(names, [[one[name] for name in names] for one in result['features']])}"
    wanted = ("feature", "label", "probe_weight", "probe_reads", "label_score", "density", "max")
    shown = [name for name in wanted if result["features"] and name in result["features"][0]]
    rows = [[*(one[name] for name in shown), " ".join(one["top_tokens"])] for one in result["features"]]
    said = f"{len(rows)} of {result['total']} features, over {result['index']['tokens']:,} tokens"
    return f"{said}\n{table((*shown, 'tokens'), rows)}"


def _on(token: dict[str, Any]) -> str:
    """The three strongest features of a token, in one cell."""
    return ", ".join(f"{one['feature']} {one['value']:.2f} {one['label']}".strip() for one in token["features"][:3])
