"""`concept`: everything that is known about one concept in one model, computed where it is missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.cli.console import table
from core.progress import Listener

if TYPE_CHECKING:
    from core.concept import Question
    from core.concept.question import AnyKind

NAME = "concept"
HELP = "everything about one concept in one model: read, used, carried, pushed, related, stable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument("--plan", action="store_true", help="say what is missing and what it costs; compute nothing")


def add_question(parser: argparse.ArgumentParser) -> None:
    """What is asked, and how much is spent: shared with `report`."""
    from core.concept.question import Sizes

    sizes = Sizes()
    arguments.add_model(parser)
    parser.add_argument("--examples", metavar="ID", required=True, help="the concept: a set of texts, or of images")
    parser.add_argument("--target", metavar="SPEC", default="", help="the answer that may depend on it, as for `tcav`")
    parser.add_argument("--inputs", metavar="ID", default="", help="texts or images whose answers are asked about")
    parser.add_argument("--layer", type=arguments.whole, help="where it is pushed (default: before the middle)")
    parser.add_argument("--dictionary", metavar="NAME", help="one at hand, or none (default: the nearest at hand)")
    parser.add_argument("--limit", type=arguments.count, default=sizes.rows, help=f"rows (default {sizes.rows})")
    for name, help in _SIZES.items():
        default = _usual(name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=arguments.whole, default=default, help=f"{help} (default {default})")
    doses = ",".join(f"{dose:g}" for dose in sizes.doses)
    parser.add_argument("--doses", default=doses, help=f"beside 0, in typical norms: --doses={doses}")


_SIZES = {
    "splits": "ways to part training from test texts",
    "inputs_limit": "texts whose answers are asked about",
    "controls": "sets that stand for other concepts; 0: none",
    "pushed": "inputs on which a real push is measured; 0: none",
    "permutations": "of labels, at the least",
    "feature_rows": "texts that features are ranked on",
    "prompts": "neutral prompts of the sweep of doses, up to 20",
    "random": "random directions beside the concept's",
    "tokens": "new tokens of each text",
}


def _usual(option: str) -> int:
    from core.concept.question import Sizes

    return int(getattr(Sizes(), "inputs" if option == "inputs_limit" else option))


def question_of(args: argparse.Namespace) -> tuple[AnyKind, Question]:
    """The opened model and what is asked of it."""
    from core.concept.asking import ask
    from core.models import kind_of, open_image_model

    model: AnyKind = (
        open_image_model(args.model, device=args.device, dtype=args.dtype)
        if kind_of(args.model) == "image"
        else arguments.open_model_of(args)
    )
    dictionary = "" if args.dictionary == "none" else args.dictionary
    asked = ask(
        model,
        args.examples,
        layer=args.layer,
        target=args.target,
        inputs=args.inputs,
        dictionary=dictionary,
        sizes=sizes_of(args),
    )
    return model, asked


def sizes_of(args: argparse.Namespace) -> Any:
    from core.concept import Sizes

    doses = tuple(dose for dose in arguments.numbers("--doses", args.doses) if dose)
    return Sizes(
        rows=args.limit,
        splits=max(1, args.splits),
        inputs=max(1, args.inputs_limit),
        doses=doses,
        prompts=max(1, args.prompts),
        tokens=max(1, args.tokens),
        permutations=max(1, args.permutations),
        feature_rows=max(4, args.feature_rows),
        **{name: getattr(args, name) for name in ("controls", "pushed", "random")},
    )


def words_of(args: argparse.Namespace) -> list[str]:
    """The question as it is typed, what is at its default left out: for the line that rebuilds a report."""
    from core.concept import Sizes

    usual = Sizes()
    words = [args.model, "--examples", args.examples]
    given = {"target": args.target, "inputs": args.inputs, "layer": args.layer, "dictionary": args.dictionary}
    given |= {"limit": args.limit if args.limit != usual.rows else None}
    for name in _SIZES:
        given[name] = getattr(args, name) if getattr(args, name) != _usual(name) else None
    given |= {"device": args.device, "dtype": args.dtype, "blocks": args.blocks}
    for name, value in given.items():
        if value not in (None, ""):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if args.doses != ",".join(f"{dose:g}" for dose in usual.doses):
        words.append(f"--doses={args.doses}")
    return words


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.concept import compute_missing, gather

    model, question = question_of(args)
    if args.plan:
        found = gather(model, question)
        wanted = [*found.missing, *found.failed]
        return {
            "missing": [{"view": one.part.name, "seconds": round(one.seconds, 1)} for one in wanted],
            "seconds": round(found.seconds, 1),
            "views": {name: view.state for name, view in found.views.items()},
        }
    return compute_missing(model, question, progress=progress).to_json()


def show(result: dict[str, Any]) -> str:
    if "missing" in result:
        rows = [[one["view"], one["seconds"]] for one in result["missing"]]
        return table(("missing", "seconds, roughly"), rows) if rows else "Nothing is missing."
    lines = [f"{name}: {_line(name, view)}" for name, view in result["views"].items()]
    lines += ["", *(one["sentence"] for one in result["disagreements"])]
    return "\n".join(lines).rstrip()


def _line(name: str, view: dict[str, Any]) -> str:
    from core.concept.telling import summary

    return summary(name, view["data"]) if view["state"] == "there" else f"{view['state']}. {view['why']}".strip()
