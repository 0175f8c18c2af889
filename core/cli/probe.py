"""`probe`: where, and how well, a concept can be read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments
from core.cli.console import table
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.examples import Examples
    from core.models import Model
    from core.probing import Sweep

NAME = "probe"
HELP = "how well a concept can be read at each layer"

ALL = "all"
ALSO = ("details", "curve", "nonlinear", "layers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument(
        "--examples",
        metavar="ID",
        required=True,
        help="a set of examples: see `examples`, or a path; all for every bundled set, as a table",
    )
    parser.add_argument("--layers", default="all", help="such as 0,14,29, or all")
    parser.add_argument(
        "--methods",
        default="logistic,diffmean",
        help="of logistic, diffmean, ridge, lda, pca, or all (default: logistic,diffmean)",
    )
    parser.add_argument(
        "--controls",
        nargs="?",
        const=ALL,
        metavar="NAMES",
        help="of layer0, selectivity, codelength, or all, or none (default: all; without layer0 for every bundled set)",
    )
    parser.add_argument(
        "--transfer", metavar="ID", default="", help="test on the held-out part of these sets too, comma-separated"
    )
    parser.add_argument(
        "--also",
        default="",
        metavar="NAMES",
        help="of the strongest probe: details (errors, calibration, subgroups), curve (over training size), "
        "nonlinear (a small network beside it), layers (which layer, by three measures)",
    )
    parser.add_argument("--pool", default="mean", choices=["mean", "last"], help="mean over tokens, or the last one")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of the split, the folds and the resampling")
    parser.add_argument("--seeds", default="", help="further splits: how many from --seed on, or numbers such as 0,1,2")
    arguments.add_texts_options(parser)
    arguments.add_engine(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.examples import open_examples
    from core.probing import METHODS, sweep

    settings = {
        "methods": _names(args.methods, list(METHODS)),
        "pool": args.pool,
        "max_length": args.max_length,
        "seeds": _seeds(args.seeds, args.seed),
    }
    settings["seed"] = settings["seeds"][0] if settings["seeds"] else args.seed
    also = _names(args.also, list(ALSO))
    if unknown := [name for name in also if name not in ALSO]:
        raise UserError(f"--also takes {', '.join(ALSO)}, not {unknown[0]!r}.")
    if args.examples == ALL:
        if args.transfer or also:
            raise UserError("--transfer and --also are about one set: name it with --examples.")
        return _all_sets(args, settings, progress)
    if arguments.engine_of(args) is not None:
        raise UserError("--engine ray is for --examples all: one set is probed by this process.")
    # Before the model is opened, so that a slip of the pen is told at once.
    examples = open_examples(args.examples, limit=args.limit)
    targets = [open_examples(name, limit=args.limit) for name in arguments.words(args.transfer)]
    controls = _controls(args.controls, with_layer0=True)
    model = arguments.open_model_of(args)
    layers = arguments.layers(args.layers, model)
    found = sweep(model, examples, layers, **settings, controls=controls, progress=progress)
    result = found.to_json()
    if targets:
        result["transfer"] = _transfers(model, examples, targets, layers, settings, progress)
    return result | _more(model, examples, found, layers, also, progress)


def _all_sets(args: argparse.Namespace, settings: dict[str, Any], progress: Listener) -> dict[str, Any]:
    from core.probing import probe_all, to_plain

    settings |= {"limit": args.limit, "controls": _controls(args.controls, with_layer0=False)}
    if (engine := arguments.engine_of(args)) is not None:
        from core.engines import probe_all_on

        numbers = arguments.layer_numbers(args.layers)
        return to_plain(probe_all_on(engine, arguments.opener_of(args), numbers, progress=progress, **settings))
    model = arguments.open_model_of(args)
    layers = arguments.layers(args.layers, model)
    return to_plain(probe_all(model, layers, **settings, progress=progress))


def _transfers(
    model: Model,
    examples: Examples,
    targets: list[Examples],
    layers: list[int],
    settings: dict[str, Any],
    progress: Listener,
) -> list[dict[str, Any]]:
    from core.probing import to_plain, transfer

    own = {name: settings[name] for name in ("methods", "pool", "max_length", "seed")}
    found = [transfer(model, examples, target, layers, **own, progress=progress) for target in targets]
    return [{"examples_id": one.target_id} | to_plain(result) for one in found for result in one.results]


def _more(
    model: Model, examples: Examples, found: Sweep, layers: list[int], also: tuple[str, ...], progress: Listener
) -> dict[str, Any]:
    """Answers about the strongest probe, each under its own key."""
    from core.probing import layer_choice, learning_curve, nonlinear_check, probe_details, to_plain

    best = found.best
    same: dict[str, Any] = {"pool": found.pool, "max_length": found.max_length, "seed": found.seed}
    methods = list(dict.fromkeys(one.method for one in found.results))
    result: dict[str, Any] = {}
    if "details" in also:
        result["details"] = to_plain(probe_details(model, examples, best.layer, best.method, **same))
    if "curve" in also:
        curve = learning_curve(model, examples, best.layer, methods, **same, progress=progress)
        result["learning_curve"] = to_plain(curve)
    if "nonlinear" in also:
        check = nonlinear_check(model, examples, best.layer, method=best.method, **same, progress=progress)
        result["nonlinear"] = to_plain(check)
    if "layers" in also:
        choice = layer_choice(model, examples, layers, method=best.method, **same, progress=progress)
        result["layer_choice"] = to_plain(choice)
    return result


def show(result: dict[str, Any]) -> str:
    if "best" not in result:
        return _show_all(result)
    rows = [
        [
            one["layer"],
            one["method"],
            one["auroc"],
            *one["auroc_ci"],
            one["accuracy"],
            one["control_auroc"],
            one["selectivity"],
            one["compression"],
        ]
        for one in result["results"]
    ]
    best = result["best"]
    low, high = best["auroc_ci"]
    beside = ", ".join(f"{one['name']} {one['auroc']:.3f}" for one in result["baselines"])
    header = ("layer", "method", "AUROC", "from", "to", "accuracy", "shuffled", "selectivity", "compression")
    lines = [
        table(header, rows),
        f"Strongest: layer {best['layer']}, {best['method']}, AUROC {best['auroc']:.3f} ({low:.3f} to {high:.3f}) on"
        f" {best['n_test']} texts, chosen by cross-validation on the other {best['n_train']}.",
        f"Without the deeper layers: {beside}.",
    ]
    if result.get("transfer"):
        carried = [
            [one["examples_id"], one["layer"], one["method"], one["auroc"], *one["auroc_ci"], one["reference_auroc"]]
            for one in result["transfer"]
        ]
        lines.append(table(("tested on", "layer", "method", "AUROC", "from", "to", "own probe"), carried))
    return "\n".join(lines)


def _show_all(result: dict[str, Any]) -> str:
    names = ("layer", "method", "sets", "auroc", "control_auroc", "tfidf", "above_tfidf", "selectivity", "compression")
    rows = [[mean[name] for name in names] for mean in result["means"]]
    header = ("layer", "method", "sets", "AUROC", "shuffled", "TF-IDF", "above it", "selectivity", "compression")
    skipped = [f"Skipped: {one['examples_id']}: {one['reason']}" for one in result["skipped"]]
    return "\n".join([table(header, rows), *skipped, f"Every set: {result['csv']}"])


def _controls(text: str | None, *, with_layer0: bool) -> tuple[str, ...]:
    from core.probing import CONTROLS

    if text is None:
        return tuple(name for name in CONTROLS if with_layer0 or name != "layer0")
    return _names(text, list(CONTROLS))


def _names(text: str, known: list[str]) -> tuple[str, ...]:
    """`all`, `none`, or some of the known names, which the function called checks."""
    if text.strip().lower() == ALL:
        return tuple(known)
    return () if text.strip().lower() == "none" else tuple(arguments.words(text))


def _seeds(text: str, first: int) -> tuple[int, ...]:
    """`3` for three seeds from the first on, `4,5,9` for these."""
    parts = arguments.words(text)
    try:
        numbers = [arguments.seed(part) for part in parts]
    except argparse.ArgumentTypeError:
        raise UserError(f"--seeds takes a number of seeds such as 5, or seeds such as 0,1,2, not {text!r}.") from None
    if len(numbers) != 1:
        return tuple(dict.fromkeys(numbers))
    if not 1 <= numbers[0] <= 100:
        raise UserError(f"--seeds takes 1 to 100 seeds, not {numbers[0]}.")
    return tuple(range(first, first + numbers[0]))
