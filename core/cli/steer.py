"""`steer`: what a model writes when it is pushed along a direction, and what the push breaks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli import arguments, steer_recipe
from core.cli.console import table
from core.errors import UserError
from core.progress import Listener

if TYPE_CHECKING:
    from core.directions import Direction
    from core.models import Model
    from core.steering import Judges

NAME = "steer"
HELP = "texts written under a push along a saved direction"
DOSES = "-0.5,0,0.5"
SAMPLED = 0.7  # temperature where several seeds are asked for: greedy texts would all be the same


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--direction", metavar="NAME", help="a saved direction")
    what.add_argument(
        "--recipe",
        metavar="FILE",
        help="a recipe: a file, or the name of a saved one; it says all else but the prompts",
    )
    parser.add_argument(
        "--layers", metavar="LIST", help="push at these layers instead, one after another, such as 8,11,14"
    )
    prompts = parser.add_mutually_exclusive_group()
    prompts.add_argument("--prompt", metavar="TEXT")
    prompts.add_argument("--prompts", metavar="FILE", help="a text file, one prompt a line; or neutral: 20 of ours")
    parser.add_argument("--doses", default=DOSES, help=f"in units of the site's typical norm: --doses={DOSES}")
    parser.add_argument("--operator", default="add", help="what is done along the direction (default: add)")
    parser.add_argument("--max-new-tokens", type=int, default=40)
    parser.add_argument("--temperature", type=float, help="0 is greedy (default: 0, with several seeds 0.7)")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--repetition-penalty", type=float, default=1.0)
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument("--seeds", type=arguments.seeds, metavar="LIST", help="several, such as 0,1,2: a text for each")
    parser.add_argument(
        "--positions",
        default="prompt",
        help="tokens that are pushed: prompt, first (generated), later, special; several with commas, or all",
    )
    parser.add_argument("--chat", action="store_true", help="put the prompt into the model's chat template")
    parser.add_argument(
        "--controls", type=arguments.count, default=0, metavar="N", help="sweep N random directions of the same length"
    )
    parser.add_argument(
        "--instruction", default="", metavar="TEXT", help="control: ask for it in words, without a push"
    )
    parser.add_argument(
        "--targets",
        default="",
        metavar="WORDS",
        help="next words whose probability is watched under each dose, such as good,great",
    )
    parser.add_argument(
        "--judge",
        metavar="ID",
        help="examples that teach the judges of the texts; own: those that the direction was made from",
    )


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import load_direction
    from core.models.words import word_tokens
    from core.steering import Decoding, operator_named, parse_targets, positions_named, sweep_doses, sweep_layers
    from core.steering.sweep_json import texts_json, to_json

    if args.recipe is not None:
        return steer_recipe.run(args, progress)
    if args.prompt is None and args.prompts is None:
        raise UserError("Give a prompt to go on from: --prompt TEXT, or --prompts FILE.")
    doses = arguments.numbers("--doses", args.doses)
    seeds = args.seeds or [args.seed]
    temperature = args.temperature if args.temperature is not None else SAMPLED if len(seeds) > 1 else 0.0
    if len(seeds) > 1 and temperature == 0:
        raise UserError("At temperature 0 all seeds give the same text; leave --temperature out, or raise it.")
    decoding = Decoding(
        max_new_tokens=args.max_new_tokens,
        temperature=temperature,
        top_p=args.top_p,
        repetition_penalty=args.repetition_penalty,
        seed=seeds[0],
    )
    positions, operator = positions_named(arguments.words(args.positions)), operator_named(args.operator)
    prompts = steer_recipe.prompts_of(args)
    direction, targets = load_direction(args.direction), parse_targets(args.targets)
    model = arguments.open_model_of(args)
    judges = _judges(model, direction, args.judge, progress) if args.judge else None
    options: dict[str, Any] = {
        "seeds": seeds,
        "judges": judges,
        "operator": operator,
        "positions": positions,
        "decoding": decoding,
        "n_random": args.controls,
        "instruction": args.instruction,
        "targets": word_tokens(model, list(targets)),
        "chat": args.chat,
        "progress": progress,
    }
    if args.layers is None:
        return to_json(sweep_doses(model, direction, prompts, doses, **options), doses)
    found = sweep_layers(model, direction, arguments.layers(args.layers, model), prompts, doses, **options)
    return {
        "layers": [
            {"layer": one.layer, "anew": one.anew, "perplexity": one.perplexity, "kl": one.kl}
            | to_json(one.sweep, doses)
            for one in found
        ],
        "results": [{"layer": one.layer, **text} for one in found for text in texts_json(one.sweep, doses)["results"]],
    }


def _judges(model: Model, direction: Direction, id: str, progress: Listener) -> Judges:
    from core.examples import open_examples
    from core.steering import Judges, embedding_measure, other_layer, probe_measure
    from core.steering.layer_sweep import examples_of

    made_from = direction.provenance.get("examples", {})
    if id == "own" and not made_from.get("id"):
        raise UserError(f"{direction.name} does not say which examples it was made from; name some with --judge.")
    examples = examples_of(direction) if id == "own" else open_examples(id)
    site = model.site(other_layer(model, direction.layer))
    return Judges(
        probe=probe_measure(model, examples, site, progress=progress),
        site=site,
        independent=embedding_measure(examples, progress=progress),
    )


def show(result: dict[str, Any]) -> str:
    if "layers" in result:
        return "\n\n".join(f"After layer {one['layer']}\n{show(one)}" for one in result["layers"])
    results = result["results"]
    if "recipe" in result:
        return "\n".join(
            f"[plain]   {plain['text']}\n[steered] {steered['text']}"
            for plain, steered in zip(result["control"], results, strict=True)
        )
    if len({(one["prompt"], one["seed"]) for one in results}) == 1:
        return "\n".join(f"[{one['dose']:+g}] {one['text']}" for one in results)
    rows = [
        [one["dose"], one["seed"], one["prompt"][:24], one["guards"]["perplexity"], one["score"], one["text"][:60]]
        for one in results
    ]
    lines = [table(("dose", "seed", "prompt", "perplexity", "score", "text"), rows)]
    if result.get("range"):
        low, high = result["range_held"]
        lines.append(f"Texts stay sound from dose {low:+g} to {high:+g}.")
    if "slope" in result:
        slope, (low, high) = result["slope"], result["slope"]["interval"]
        interval = "" if low is None else f" ({low:+.2f} to {high:+.2f})"
        p = "" if slope["p"] is None else f" (p {slope['p']:.2g})"
        lines.append(
            f"The judge's score changes by {slope['mean']:+.2f} per unit of dose{interval}, above {slope['above']} of "
            f"{len(slope['random'])} random directions{p}."
        )
    return "\n".join(lines)
