"""`steer`: what a model writes when it is pushed along a direction."""

from __future__ import annotations

import argparse
import time
from typing import Any

from core.cli import arguments
from core.progress import Listener

NAME = "steer"
HELP = "texts written under a push along a saved direction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_model(parser)
    parser.add_argument("--direction", metavar="NAME", required=True, help="a saved direction")
    parser.add_argument("--prompt", metavar="TEXT", required=True)
    parser.add_argument("--doses", default="-0.5,0,0.5", help="in units of the site's typical norm: --doses=-0.5,0,0.5")
    parser.add_argument("--max-new-tokens", type=int, default=40)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--repetition-penalty", type=float, default=1.0)
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument(
        "--positions",
        default="prompt",
        help="tokens that are pushed: prompt, first (generated), later, special; several with commas, or all",
    )
    parser.add_argument("--chat", action="store_true", help="put the prompt into the model's chat template")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.directions import load_direction
    from core.steering import Decoding, positions_named, steer

    doses = arguments.numbers("--doses", args.doses)
    decoding = Decoding(
        max_new_tokens=args.max_new_tokens,
        temperature=args.temperature,
        top_p=args.top_p,
        repetition_penalty=args.repetition_penalty,
        seed=args.seed,
    )
    positions = positions_named(arguments.words(args.positions))
    direction = load_direction(args.direction)
    model = arguments.open_model_of(args)
    began = time.perf_counter()
    texts = steer(
        model, direction, args.prompt, doses, decoding=decoding, positions=positions, chat=args.chat, progress=progress
    )
    seconds = time.perf_counter() - began
    return {
        "results": [
            {"dose": one.dose, "coefficient": one.coefficient, "text": one.text, "tokens": list(one.tokens)}
            for one in texts
        ],
        "tokens_per_second": round(sum(len(one.tokens) for one in texts) / seconds, 2),
    }


def show(result: dict[str, Any]) -> str:
    return "\n".join(f"[{one['dose']:+g}] {one['text']}" for one in result["results"])
