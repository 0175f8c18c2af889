"""`sae train`: a dictionary learnt from a model's activations, or made from them or from its weights."""

from __future__ import annotations

import argparse
import os
from typing import Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener, silent

NAME = "sae train"
HELP = "train a dictionary on a model's activations, or make one without training (goes on where it was stopped)"

# What needs no gradient steps, beside the methods of core.dictionaries.training.table.
MADE = {
    "neurons": "the MLP's own neurons: nothing is learnt",
    "components": "principal components",
    "snmf": "semi-nonnegative factors of the MLP's hidden activations",
}
# The fields of core.dictionaries.training.recipe.Recipe, which cannot be asked before torch is there.
SETTINGS: dict[str, tuple[type, str]] = {
    "features": (int, "features of the dictionary (default: 8192)"),
    "tokens": (int, "tokens to learn from, repeats counted (default: 8,000,000)"),
    "batch": (int, "tokens per step (default: 2048)"),
    "rate": (float, "learning rate of Adam at its height (default: 8e-4)"),
    "warmup": (float, "share of the tokens over which the rate rises (default: 0.02)"),
    "decay": (float, "share of the tokens, at the end, over which it falls to 0 (default: 0.3)"),
    "revival": (float, "weight of the loss that brings dead features back (default: 0.03125)"),
    "patience": (
        int,
        "tokens without a code after which a feature is dead (default: 250,000, at most a quarter of --tokens)",
    ),
    "block": (int, "texts whose tokens are shuffled together (default: 1024)"),
    "max_length": (int, "tokens at which a text is cut (default: 256)"),
    "seed": (int, "of the first weights and the order of texts and tokens (default: 0)"),
}
SOME_TOKENS = 20_000  # from which components and factors are made, unless --tokens says else


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--layer", type=int, required=True, help="counted from 0")
    parser.add_argument("--site", default="after", help="before, after, attention, mlp or hidden (default: after)")
    parser.add_argument(
        "--method",
        default="topk",
        help="topk, batchtopk, matryoshka, jumprelu, gated, standard, topafa; "
        "or, without training, neurons, components, snmf",
    )
    parser.add_argument("--save", metavar="NAME", required=True, help="name under which it is kept")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--examples", metavar="ID", help="learn from these texts (default: the bundled corpus)")
    what.add_argument("--texts", metavar="FILE", help="learn from a TXT file (one text a line), CSV or JSONL")
    parser.add_argument(
        "--characters", type=arguments.count, help="size of the corpus, balanced over kinds (default: 4.3 per token)"
    )
    parser.add_argument(
        "--from-store", action="store_true", help="record all tokens to disk first, then learn from there"
    )
    for name, (kind, about) in SETTINGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=f"set_{name}", type=kind, help=about)
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter of the method: k=32"
    )
    parser.add_argument("--half", action="store_true", help="store weights in 16 bits")
    parser.add_argument("--replace", action="store_true", help="a dictionary of that name may go")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.workspace import checked_name

    checked_name(args.save)
    if args.method in MADE and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(f"{args.method} is made by one process; start it without a launcher.")
    return _made(args, progress) if args.method in MADE else _trained(args, progress)


def _trained(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    import torch

    from core.activations import record_texts
    from core.dictionaries.training.recipe import Recipe
    from core.dictionaries.training.run import train
    from core.dictionaries.training.sources import FromModel, FromStore, Source
    from core.dictionaries.training.table import method_named
    from core.dictionaries.training.together import together
    from core.directions.parameters import with_parameters
    from core.examples.corpus import held_out

    team = together(args.device)
    if team is not None and not team.first:
        progress = silent  # one of them tells
    method = with_parameters(method_named(args.method), _parameters(args.set))
    given = {name: getattr(args, f"set_{name}") for name in SETTINGS}
    recipe = with_parameters(Recipe(), {name: value for name, value in given.items() if value is not None})
    texts, about = _texts(args, recipe.tokens, progress)
    model = arguments.open_model_of(args)
    site = model.site(args.layer, args.site)
    source: Source = FromModel(model, site, texts, recipe)
    if args.from_store:
        if team is not None:  # each its own shards, until all are there
            options: dict[str, Any] = {"pool": "none", "max_length": recipe.max_length, "progress": progress}
            record_texts(model, texts, [site], writer=(team.rank, team.count), **options)
            team.wait()
        (kept,) = record_texts(model, texts, [site], pool="none", max_length=recipe.max_length, progress=progress)
        source = FromStore(kept, recipe, model.device)
    found = train(
        model,
        site,
        method,
        recipe,
        source,
        name=args.save,
        held_out=held_out(300).texts if about.get("corpus") else (),
        about=about,
        curves_in=_job_folder(),
        store=torch.float16 if args.half else None,
        replace=args.replace,
        team=team,
        progress=progress,
    )
    if team is not None and not team.first:
        raise SystemExit(0)
    return {
        **found.dictionary.to_json(),
        "path": str(found.dictionary.folder),
        "curves": str(found.folder),
        "cached": found.cached,
        "resumed_at": found.resumed,
        "seconds": round(found.seconds, 3),
    }


def _made(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.dictionaries import Card, Dictionary, save_dictionary
    from core.dictionaries.components import components_of
    from core.dictionaries.neurons import down_projection, neurons_of
    from core.dictionaries.snmf import snmf_of
    from core.dictionaries.training.sources import activations_of

    model = arguments.open_model_of(args)
    recipe: dict[str, Any] = {"method": args.method}
    writes = None
    coder: Any
    if args.method == "neurons":
        coder, reads, rebuilds = neurons_of(model, args.layer)
    else:
        reads = rebuilds = model.site(args.layer, "hidden" if args.method == "snmf" else args.site)
        tokens = args.set_tokens or SOME_TOKENS
        texts, about = _texts(args, tokens, progress)
        x = activations_of(model, reads, texts, args.set_max_length or arguments.MAX_LENGTH)[:tokens].float()
        recipe |= {"corpus": about, "tokens": len(x), "seed": args.set_seed or 0}
        if args.method == "components":
            coder = components_of(x.split(4096), args.set_features or min(x.shape[1], len(x) - 1))
        else:
            kept = float(_parameters(args.set).get("kept", 0.01))
            recipe["kept"] = kept
            down = down_projection(model, args.layer)[0]
            coder = snmf_of(
                x.cpu(), args.set_features or 100, down, kept=kept, seed=args.set_seed or 0, progress=progress
            )
            module = model.site(args.layer, "hidden").module
            writes = type(reads)(args.layer, "mlp", module, "output")
    card = Card(
        model.id,
        model.fingerprint,
        reads,
        rebuilds,
        writes or rebuilds,
        source=f"made here from {model.id}",
        recipe=recipe,
    )
    metadata = {"model_name": model.id, "hook_name": reads.module}
    saved = save_dictionary(Dictionary(args.save, coder, card, metadata=metadata), args.save, replace=args.replace)
    return {**saved.to_json(), "path": str(saved.folder)}


def _texts(args: argparse.Namespace, tokens: int, progress: Listener) -> tuple[list[str], dict[str, Any]]:
    """The texts to learn from, and what the card says of them."""
    from core.examples import open_examples, read_texts
    from core.examples.corpus import corpus

    if args.examples is not None:
        examples = open_examples(args.examples)
        return list(examples.texts), {"examples": examples.id, "digest": examples.digest}
    if args.texts is not None:
        return read_texts(args.texts), {"file": args.texts}
    characters = args.characters or max(int(4.3 * tokens), 10_000)
    drawn = corpus(characters=characters, progress=progress)
    about = {"corpus": drawn.key, "characters": sum(drawn.kinds.values()), "kinds": drawn.kinds, "texts": len(drawn)}
    return list(drawn.texts), about


def _parameters(pairs: list[str]) -> dict[str, float]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        try:
            number = float(value)
        except ValueError:
            sign = ""
        if not sign:
            raise UserError(f"--set takes NAME=VALUE with a number, such as k=32, not {pair!r}.")
        found[name.strip()] = int(number) if number.is_integer() else number
    return found


def _job_folder() -> list[Any]:
    """Inside a job the curves are written beside its progress, too."""
    from core.job_process import folder_of

    id = os.environ.get("CONCEPTSCOPE_JOB")
    return [folder_of(id)] if id else []


def show(result: dict[str, Any]) -> str:
    return f"Saved {result['name']}: {result['kind']}, {result['features']} features at {result['site']}."
