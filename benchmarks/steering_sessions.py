"""Sixteen sessions that steer one model at once against the same sixteen runs one after another, in tokens per second.

Each session is a thread with a prompt, direction, operator and dose of its own, and writes a plain and a steered text
as the page does.
"""

from __future__ import annotations

import threading
from contextlib import closing

import numpy as np

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report
from core.activations import known_norm, typical_norm
from core.models import Model, open_model, tokenize
from core.steering import Decoding, Intervention, Positions, Step, operator_named, share, stream
from core.steering.prompts import NEUTRAL

SESSIONS = 16
OPERATORS = ("add", "norm_add", "ablate", "set")
Run = tuple[list[list[int]], list[list[Intervention]], Decoding]


def runs_of(model: Model, tokens: int) -> list[Run]:
    found: list[Run] = []
    for number, prompt in enumerate(NEUTRAL[:SESSIONS]):
        site = model.site(10 + number % 4)
        norm = (known_norm(model, site) or typical_norm(model, site)).median
        vector = np.random.default_rng(number).standard_normal(model.width).astype(np.float32)
        operator = operator_named(OPERATORS[number % len(OPERATORS)])
        amount = 0.3 * norm if operator.unit == "norm" else 1.0
        positions = Positions(first=number % 2 == 0, later=number % 2 == 0)
        push = Intervention(site, vector / np.linalg.norm(vector), amount, positions, operator)
        (ids,) = tokenize(model, [prompt], None)
        found.append(([ids, ids], [[], [push]], Decoding(max_new_tokens=tokens)))
    return found


def one_after_another(model: Model, runs: list[Run]) -> Work:
    return lambda: sum(_tokens(step) for run in runs for step in stream(model, *run))


def at_once(model: Model, runs: list[Run]) -> Work:
    def work() -> float:
        counts = [0] * len(runs)

        def session(number: int) -> None:
            with closing(share(model, *runs[number])) as steps:
                for step in steps:
                    counts[number] += _tokens(step) if isinstance(step, Step) else 0

        threads = [threading.Thread(target=session, args=(number,)) for number in range(len(runs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts)

    return work


def _tokens(step: Step) -> int:
    return sum(token is not None for token in step.tokens)


def compare_sessions(rounds: int, tokens: int) -> list[Comparison]:
    model = open_model("smollm2")
    alternate({"warming up": at_once(model, runs_of(model, 2))}, rounds=1)
    runs = runs_of(model, tokens)
    rates = alternate({"at once": at_once(model, runs), "one after another": one_after_another(model, runs)}, rounds)
    return [compare("sixteen-sessions-at-once", "tokens/s", rates["at once"], rates["one after another"])]


def main() -> None:
    options = parser(__doc__ or "", rounds=2)
    options.add_argument("--tokens", type=int, default=24, help="how many tokens each text gets (default 24)")
    chosen = options.parse_args()
    report(compare_sessions(chosen.rounds, chosen.tokens), chosen.json)


if __name__ == "__main__":
    main()
