"""`record`: fill the activation store."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from core import spaces
from core.cli import arguments
from core.cli.console import table
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.engines import Engine

NAME = "record"
HELP = "record activations of texts or images into the store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--examples", metavar="ID", help="a set of examples: see `examples`, or a path")
    what.add_argument("--texts", metavar="FILE", help="a TXT file (one text a line), CSV or JSONL")
    parser.add_argument("--layers", default="all", help="such as 0,14,29, or all; of images also module paths")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    parser.add_argument("--pool", default="mean", help="mean, last, none; several with commas")
    parser.add_argument("--all-positions", action="store_true", help="keep first and special tokens and sinks too")
    arguments.add_texts_options(parser)
    arguments.add_images_options(parser)
    arguments.add_engine(parser)
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="publish finished shards under this URL, such as s3://bucket/folder, and fetch them from there",
    )
    parser.add_argument("--no-fetch", action="store_true", help="with --storage: leave the shards there")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.activations import record_texts
    from core.examples import open_examples, read_texts

    pools = arguments.words(args.pool)
    if not pools:
        raise UserError("--pool takes mean, last or none.")
    engine = arguments.engine_of(args)
    if args.storage is not None:
        spaces.require_owner("A place to publish shards")
    if args.no_fetch and args.storage is None:
        raise UserError("--no-fetch is for --storage.")
    if arguments.reads_images(args):
        if engine is not None or args.storage is not None:
            raise UserError("Images are recorded by this process alone; leave out --engine ray and --storage.")
        return _record_images(args, pools, progress)
    if args.examples is not None:
        texts = list(open_examples(args.examples, limit=args.limit).texts)
    else:
        texts = read_texts(args.texts)[: args.limit]
    if engine is not None or args.storage is not None:
        return _record_by_engine(args, engine, texts, pools, progress)
    model = arguments.open_model_of(args)
    sites = [model.site(layer, args.site) for layer in arguments.layers(args.layers, model)]
    found = []
    for pool in pools:
        began = time.perf_counter()
        stores = record_texts(
            model,
            texts,
            sites,
            pool=pool,  # type: ignore[arg-type]  # checked by record_texts
            all_positions=args.all_positions,
            max_length=args.max_length,
            progress=progress,
        )
        seconds = time.perf_counter() - began
        found += [_describe(store, seconds) for store in stores]
    return found[0] if len(found) == 1 else {"stores": found}


def _record_by_engine(
    args: argparse.Namespace, engine: Engine | None, texts: list[str], pools: list[str], progress: Listener
) -> dict[str, Any]:
    from core.engines import LocalEngine, record_on

    found = []
    for pool in pools:
        began = time.perf_counter()
        stores = record_on(
            engine or LocalEngine(),
            arguments.opener_of(args),
            texts,
            arguments.layer_numbers(args.layers),
            kind=args.site,
            pool=pool,  # type: ignore[arg-type]  # checked by make_recipe
            all_positions=args.all_positions,
            max_length=args.max_length,
            storage=args.storage,
            fetch=not args.no_fetch,
            progress=progress,
        )
        seconds = time.perf_counter() - began
        found += [_describe(store, seconds, args.storage if args.no_fetch else None) for store in stores]
    return found[0] if len(found) == 1 else {"stores": found}


def _record_images(args: argparse.Namespace, pools: list[str], progress: Listener) -> dict[str, Any]:
    from core.activations import record_images
    from core.examples import open_images

    if args.examples is None or pools != ["mean"] or args.site != "after":
        raise UserError("Images are given with --examples, and recorded after layers as the mean over all positions.")
    found = open_images(args.examples, limit=args.limit, background=args.background, crops=args.crops)
    model = arguments.open_image_model_of(args)
    began = time.perf_counter()
    stores = record_images(model, found.images, arguments.image_sites(args.layers, model), progress=progress)
    seconds = time.perf_counter() - began
    described = [{**_describe(store, seconds), "n_images": store.n_texts} for store in stores]
    return described[0] if len(described) == 1 else {"stores": described}


def _describe(store: Any, seconds: float, storage: str | None = None) -> dict[str, Any]:
    """seconds: of the pass that filled all stores of one pool together. storage: the URL, if shards are there alone."""
    if storage is not None:
        from core.activations.published import Published

        published = Published(storage)
        entries, path, width = published.entries(store).values(), published.shown(store.recipe), None
    else:
        entries, path, width = store.entries().values(), str(store.path), store.width
    return {
        "path": path,
        "site": store.recipe.site,
        "layer": store.recipe.layer,
        "pool": store.recipe.pool,
        "n_texts": store.n_texts,
        "n_tokens": sum(entry.tokens for entry in entries),
        "tokens_read": sum(entry.tokens_read for entry in entries),
        "n_sinks": sum(entry.sinks for entry in entries),
        "nothing_kept": sum(len(entry.nothing_kept) for entry in entries),
        "width": width,
        "seconds": round(seconds, 3),
        "cached": store.cached,
        "repaired": store.repaired,
    }


def show(result: dict[str, Any]) -> str:
    columns = ("layer", "pool", "n_texts", "n_tokens", "n_sinks", "width", "cached", "path")
    stores = result.get("stores", [result])
    return table(columns, [[store[column] for column in columns] for store in stores])
