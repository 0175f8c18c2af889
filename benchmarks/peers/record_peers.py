"""Recording after block 14 with other libraries, ours and the bare forward beside them, taking turns in one process.

All get the same texts. The libraries get ready-made batches sorted by length, and keep means in memory; ours starts
from texts and writes to disk. Each stops as early as it can: nnsight and TransformerLens after the block,
steering-vectors at the end of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.bare import Batches, real_tokens, sorted_batches
from benchmarks.harness import Comparison, Work, alternate, compare, parser, report
from benchmarks.record import LAYER, MAX_LENGTH, bare, recorder
from benchmarks.texts import mixed_texts
from core.models import Model, batch, open_model, record, tokenize

# Inputs to the activations (batch, tokens, width) after block 14.
Reader = Callable[[dict[str, Tensor]], Tensor]

# TransformerLens always computes attention step by step, which differs in rounding.
TOLERANCE = 1e-4


def with_nnsight(model: Model) -> Reader:
    from nnsight import NNsight

    wrapped = NNsight(model.network)

    def read(inputs: dict[str, Tensor]) -> Tensor:
        with torch.inference_mode(), wrapped.trace(**inputs, use_cache=False) as tracer:
            kept = wrapped.model.layers[LAYER].output.save()
            tracer.stop()
        return kept

    return read


def with_transformer_lens(model: Model) -> Reader:
    from transformer_lens.model_bridge import TransformerBridge

    path = model.network.config._name_or_path
    bridge: Any = TransformerBridge.boot_transformers(
        path, hf_model=model.network, tokenizer=model.tokenizer, device="cpu"
    )
    name = f"blocks.{LAYER}.hook_out"

    def read(inputs: dict[str, Tensor]) -> Tensor:
        with torch.inference_mode():
            _, cache = bridge.run_with_cache(
                inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                names_filter=name,
                stop_at_layer=LAYER + 1,
                return_type=None,
            )
        return cache[name]

    return read


def with_steering_vectors(model: Model) -> Reader:
    from steering_vectors import record_activations

    def read(inputs: dict[str, Tensor]) -> Tensor:
        with torch.inference_mode(), record_activations(model.network, layer_nums=[LAYER]) as found:
            model.network(**inputs, use_cache=False)
        return found[LAYER][0]

    return read


PEERS: dict[str, Callable[[Model], Reader]] = {
    "nnsight": with_nnsight,
    "transformer-lens": with_transformer_lens,
    "steering-vectors": with_steering_vectors,
}


def check(name: str, read: Reader, model: Model) -> None:
    """The peer does the same work as we: activations agree on every real token."""
    inputs = batch(model, tokenize(model, ["All of them read the same stream.", "A shorter text."], 64))
    ours = record(model, inputs, [model.site(LAYER)])[model.site(LAYER)]
    real = inputs["attention_mask"].bool()
    away = (read(inputs)[real] - ours[real]).norm(dim=-1) / ours[real].norm(dim=-1)
    if away.max() > TOLERANCE:
        raise AssertionError(f"{name} is off by {float(away.max()):.1e} of a token's norm")


def averaging(read: Reader, batches: Batches) -> Work:
    """Read all batches and keep the mean of each text."""
    tokens = real_tokens(batches)

    def work() -> float:
        kept = []
        for inputs in batches:
            mask = inputs["attention_mask"][:, :, None]
            kept.append((read(inputs) * mask).sum(1) / mask.sum(1))
        return tokens

    return work


def compare_recorders(rounds: int, n_texts: int) -> list[Comparison]:
    model, texts = open_model("smollm2"), mixed_texts(n_texts)
    # Some rebuild the network that they are given, or leave things on it: each gets one of its own.
    readers = {name: make(open_model("smollm2")) for name, make in PEERS.items()}
    for name, read in readers.items():
        check(name, read, model)
    batches = sorted_batches(model, texts, MAX_LENGTH)
    ways = {"ours": recorder(model, texts), "bare forward": bare(model, texts)}
    ways |= {name: averaging(read, batches) for name, read in readers.items()}
    rates = alternate(ways, rounds + 1)
    rates = {name: of_rounds[1:] for name, of_rounds in rates.items()}  # the first round warms up
    found = [compare(f"record-vs-{name}", "tokens/s", rates["ours"], rates[name]) for name in readers]
    found += [compare(f"{name}-vs-bare-forward", "tokens/s", rates[name], rates["bare forward"]) for name in readers]
    return [compare("record-vs-bare-forward", "tokens/s", rates["ours"], rates["bare forward"]), *found]


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--texts", type=int, default=512, help="how many texts are recorded (default 512)")
    chosen = options.parse_args()
    report(compare_recorders(chosen.rounds, chosen.texts), chosen.json)


if __name__ == "__main__":
    main()
