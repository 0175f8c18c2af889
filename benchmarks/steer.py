"""Steered generation against plain `generate` of transformers, and nine doses in one batch against nine runs.

Both are greedy and write up to 64 tokens after the same prompt; what counts is tokens per second. Ours is the function
that the page and the command line call, with its text decoding after every token.
"""

from __future__ import annotations

import numpy as np

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report
from core.directions import Direction
from core.models import Model, batch, open_model, tokenize
from core.steering import Decoding, steer

LAYER = 13
PROMPT = "I watched the film last night and I thought it was"
DOSE = 0.1
SWEEP = tuple(np.linspace(-0.4, 0.4, 9).tolist())


def random_direction(model: Model, seed: int = 0) -> Direction:
    """A unit vector at layer 13: what it means is no matter here."""
    vector = np.random.default_rng(seed).standard_normal(model.width).astype(np.float32)
    vector /= np.linalg.norm(vector)
    site = str(model.site(LAYER))
    return Direction("random", model.id, model.fingerprint, site, LAYER, vector, 1.0, "random", {"seed": seed})


def plain(model: Model, tokens: int) -> Work:
    """`generate` of transformers, as anybody calls it."""
    inputs = batch(model, tokenize(model, [PROMPT], 256))

    def work() -> float:
        ids = model.network.generate(
            **inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=model.tokenizer.pad_token_id
        )
        return ids.shape[1] - inputs["input_ids"].shape[1]

    return work


def steered(model: Model, tokens: int, doses: tuple[float, ...]) -> Work:
    """Ours, all doses in one batch."""
    direction, decoding = random_direction(model), Decoding(max_new_tokens=tokens)

    def work() -> float:
        return sum(len(text.tokens) for text in steer(model, direction, PROMPT, doses, decoding=decoding))

    return work


def one_by_one(model: Model, tokens: int) -> Work:
    """Ours, a run for each dose."""
    runs = [steered(model, tokens, (dose,)) for dose in SWEEP]
    return lambda: sum(run() for run in runs)


def compare_steering(rounds: int, tokens: int) -> list[Comparison]:
    model = open_model("smollm2")
    alternate({"warming up, ours": steered(model, 8, (DOSE,)), "warming up, plain": plain(model, 8)}, rounds=1)
    single = alternate({"ours": steered(model, tokens, (DOSE,)), "plain": plain(model, tokens)}, rounds)
    sweeps = {"one batch": steered(model, tokens, SWEEP), "one by one": one_by_one(model, tokens)}
    sweep = alternate(sweeps, max(1, rounds // 4))
    return [
        compare("steer-vs-generate", "tokens/s", single["ours"], single["plain"]),
        compare("sweep-of-9-vs-one-by-one", "tokens/s", sweep["one batch"], sweep["one by one"]),
    ]


def main() -> None:
    options = parser(__doc__ or "", rounds=8)
    options.add_argument("--tokens", type=int, default=64, help="how many tokens are written (default 64)")
    chosen = options.parse_args()
    report(compare_steering(chosen.rounds, chosen.tokens), chosen.json)


if __name__ == "__main__":
    main()
