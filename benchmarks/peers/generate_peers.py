"""Steered generation with other libraries, ours and plain `generate` beside them, taking turns in one process.

All add the same vector after block 13 to every token and write greedily.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report
from benchmarks.steer import DOSE, LAYER, PROMPT, plain, random_direction, steered
from core.activations import typical_norm
from core.models import Model, batch, open_model, tokenize

# A way to generate `tokens` tokens under a push (width,); returns the ids that were written.
Writer = Callable[[int], list[int]]


def push(model: Model) -> torch.Tensor:
    """What is added, (width,), in the activations' own units."""
    norm = typical_norm(model, model.site(LAYER)).median
    return DOSE * norm * torch.tensor(random_direction(model).vector)


def with_steering_vectors(model: Model) -> Writer:
    from steering_vectors import SteeringVector

    vector = SteeringVector({LAYER: push(model)}, "decoder_block")

    def write(tokens: int) -> list[int]:
        with vector.apply(model.network):
            return _generate(model, model.network, tokens)

    return write


def with_repeng(model: Model) -> Writer:
    if not hasattr(np, "float_"):  # repeng 0.4 names it while it is imported; NumPy 2 has it no more
        vars(np)["float_"] = np.float64
    from repeng import ControlModel, ControlVector

    steered_network: Any = ControlModel(model.network, [LAYER])
    vector = ControlVector("llama", {LAYER: push(model).numpy()})

    def write(tokens: int) -> list[int]:
        steered_network.set_control(vector, 1.0)
        try:
            return _generate(model, steered_network, tokens)
        finally:
            steered_network.reset()

    return write


def _count(write: Writer, tokens: int) -> float:
    return len(write(tokens))


def _generate(model: Model, network: Any, tokens: int) -> list[int]:
    inputs = batch(model, tokenize(model, [PROMPT], 256))
    with torch.inference_mode():
        ids = network.generate(
            **inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=model.tokenizer.pad_token_id
        )
    return ids[0, inputs["input_ids"].shape[1] :].tolist()


PEERS: dict[str, Callable[[Model], Writer]] = {
    "steering-vectors": with_steering_vectors,
    "repeng": with_repeng,
}


def compare_generators(rounds: int, tokens: int) -> list[Comparison]:
    model = open_model("smollm2")
    writers = {name: make(open_model("smollm2")) for name, make in PEERS.items()}
    ways: dict[str, Work] = {"ours": steered(model, tokens, (DOSE,)), "plain": plain(model, tokens)}
    ways |= {name: partial(_count, write, tokens) for name, write in writers.items()}
    rates = alternate(ways, rounds + 1)
    rates = {name: of_rounds[1:] for name, of_rounds in rates.items()}  # the first round warms up
    found = [compare(f"steer-vs-{name}", "tokens/s", rates["ours"], rates[name]) for name in writers]
    found += [compare(f"{name}-vs-generate", "tokens/s", rates[name], rates["plain"]) for name in writers]
    return [compare("steer-vs-generate", "tokens/s", rates["ours"], rates["plain"]), *found]


def main() -> None:
    options = parser(__doc__ or "", rounds=4)
    options.add_argument("--tokens", type=int, default=64, help="how many tokens are written (default 64)")
    chosen = options.parse_args()
    report(compare_generators(chosen.rounds, chosen.tokens), chosen.json)


if __name__ == "__main__":
    main()
