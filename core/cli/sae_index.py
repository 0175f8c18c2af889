"""`sae index`: what every feature of a dictionary is on at, in one pass over a corpus."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.cli.sae_model import add_model_options, opener_for
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.dictionaries.index import Indexed, Settings
    from core.examples.corpus import Part

NAME = "sae index"
HELP = "gather examples, densities and tokens of all features in one pass (goes on where it was stopped)"

TOKENS = 1_000_000
CHARACTERS = 4.3  # per token of the corpus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a saved name or a directory")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--examples", metavar="ID", help="over these texts (default: the bundled corpus)")
    what.add_argument("--texts", metavar="FILE", help="over a TXT file (one text a line), CSV or JSONL")
    parser.add_argument(
        "--tokens", type=arguments.count, default=TOKENS, help=f"of the corpus, about (default: {TOKENS:,})"
    )
    parser.add_argument("--held-out", action="store_true", help="of the corpus, only texts that are never trained on")
    parser.add_argument("--limit", type=arguments.count, help="of --examples, use this many rows in all")
    parser.add_argument("--from-store", action="store_true", help="record all tokens to disk first, then index those")
    parser.add_argument("--no-labels", action="store_true", help="leave out automatic labels")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="top, sample, before, after, slots, together, max_length, seed: see docs/dictionaries.md",
    )
    add_model_options(parser)
    arguments.add_engine(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.activations import record_texts
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index import Index, build_index
    from core.dictionaries.index.labelling import label_features

    found = open_dictionary(args.path)
    settings, engine = _settings(args.set), arguments.engine_of(args)
    opener = opener_for(args, found)
    model = opener()
    bound = fitted(found, model, accept=args.accept)
    indexed = _indexed(args, progress)
    store = None
    if args.from_store:
        assert bound.card.reads is not None
        asked: dict[str, Any] = {"pool": "none", "all_positions": bound.card.positions == "all"}
        asked |= {"max_length": settings.max_length, "progress": progress}
        reads = bound.card.reads
        if engine is not None and model.find_site(reads.layer, reads.kind) == reads:
            from core.engines import record_on

            (store,) = record_on(engine, opener, indexed.texts, [reads.layer], kind=reads.kind, **asked)
        else:
            (store,) = record_texts(model, indexed.texts, [reads], **asked)
    if engine is None:
        folder = build_index(model, bound, indexed, settings, store=store, progress=progress)
    else:
        from core.engines import index_on

        folder = index_on(engine, opener, model, bound, indexed, settings, store=store, progress=progress)
    index = Index(folder)
    labels = None if args.no_labels else label_features(index, model, progress=progress).to_json()
    count = index.columns["count"]
    return {**index.to_json(), "dead": float((count == 0).mean()), "labels": labels}


def _indexed(args: argparse.Namespace, progress: Listener) -> Indexed:
    from core.dictionaries.index import from_corpus, from_examples, from_file

    if args.examples is not None:
        return from_examples(args.examples, limit=args.limit)
    if args.texts is not None:
        return from_file(args.texts)
    part: Part = "held out" if args.held_out else "train"
    return from_corpus(max(1, int(CHARACTERS * args.tokens)), part=part, progress=progress)


def _settings(pairs: list[str]) -> Settings:
    from core.dictionaries.index import Settings
    from core.directions.parameters import with_parameters

    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value.isascii() or not value.isdigit():
            raise UserError(f"--set takes NAME=VALUE with a whole number, such as top=20, not {pair!r}.")
        values[name.strip()] = int(value)
    return with_parameters(Settings(), values)


def show(result: dict[str, Any]) -> str:
    said = f"Indexed {result['dictionary']}: {result['features']} features over {result['tokens']:,} tokens"
    said += f" of {result['texts']:,} texts, {result['dead']:.1%} of them never on."
    if (labels := result["labels"]) and labels["scored"]:
        said += (
            f"\n{labels['labelled']} have an automatic label; median detection AUROC {labels['median']:.2f}"
            f" (another feature's label: {labels['median_control']:.2f})."
        )
    return said
