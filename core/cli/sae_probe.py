"""`sae probe`: how concepts lie in a dictionary: sparse probing, targeted perturbation, absorption."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli import arguments
from core.cli.console import table
from core.cli.sae_model import about, add_model_options, open_model_for
from core.errors import UserError
from core.progress import Listener

NAME = "sae probe"
HELP = "how concepts lie in a dictionary: what one, two or five features tell, and whether they act alone"

ROWS = 400
EXAMPLES = (
    *("sae-probes/92_glue_sst2", "sae-probes/96_spam_is", "sae-probes/105_click_bait", "sae-probes/159_code_Python"),
    *("sae-probes/162_agnews_1", "sae-probes/139_news_class_Politics"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    parser.add_argument(
        "--examples", metavar="A,B", default=",".join(EXAMPLES), help="labelled sets; it takes two to perturb probes"
    )
    parser.add_argument("--rows", type=arguments.count, default=ROWS, help=f"rows of each set (default: {ROWS})")
    parser.add_argument("--no-letters", action="store_true", help="leave out the absorption of first letters")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of halves, random features and resamples")
    add_model_options(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index.pooled import pooled_codes
    from core.dictionaries.metrics.absorption import absorption
    from core.dictionaries.metrics.perturbation import perturbation, why_not
    from core.dictionaries.metrics.sparse_probing import sparse_probes
    from core.examples import open_examples

    sets = [open_examples(id, limit=args.rows) for id in arguments.words(args.examples)]
    if not sets:
        raise UserError("--examples names no set; give one or more, with commas.")
    found = open_dictionary(args.path)
    model = open_model_for(args, found)
    bound = fitted(found, model, accept=args.accept)
    read = [(one, pooled_codes(model, bound, one.texts, pool="mean", progress=progress)) for one in sets]
    one_place = bound.card.reads == bound.card.rebuilds
    unperturbed = why_not(bound, len(read))
    perturbed = None if unperturbed else perturbation(bound, read, seed=args.seed)
    letters = None
    if one_place and not args.no_letters:
        letters = absorption(model, bound, seed=args.seed, progress=progress)
    return {
        "sparse": [sparse_probes(codes, one, seed=args.seed).to_json() for one, codes in read],
        "perturbation": None if perturbed is None else perturbed.to_json(),
        "unperturbed": unperturbed,
        "absorption": None if letters is None else letters.to_json(),
        **about(bound),
    }


def show(result: dict[str, Any]) -> str:
    rows, ks = [], sorted({probe["k"] for one in result["sparse"] for probe in one["probes"]})
    for one in result["sparse"]:
        found = {probe["k"]: probe["auroc"] for probe in one["probes"]}
        rows.append([one["examples_id"], *(found.get(k) for k in ks), one["probes"][0]["random"], one["whole"]])
    names = ("set", *(f"k {k}" for k in ks), "one at random", "whole")
    lines = ["Held-out AUROC of probes on k features, of one at random, and of one on the whole activation:"]
    lines.append(table(names, rows))
    if result["perturbation"]:
        lines.append("Drop of accuracy when a concept's features are taken out (own - others; own at random):")
        results = result["perturbation"]["results"]
        columns = ("n_features", "own", "others", "score", "random")
        lines.append(table(columns, [[one[name] for name in columns] for one in results]))
    elif result["unperturbed"]:
        lines.append(result["unperturbed"])
    if result["absorption"]:
        one = result["absorption"]
        lines.append(
            f"First letters: {one['absorbed']:.1%} of words are absorbed (another letter: {one['control']:.1%}); the"
            f" main features miss {one['missed']:.1%}."
        )
    return "\n".join(lines)
