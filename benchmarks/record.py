"""Recording after block 14, with the write to disk, against a bare forward of that depth and against the whole forward.

The bare forward has its batches made beforehand, sorted by length, and keeps nothing: no recorder can be faster. The
whole forward is what a notebook does: `output_hidden_states=True` over padded batches of 16 in arrival order.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence

import torch

from benchmarks.bare import real_tokens, run_bare, sorted_batches, truncated
from benchmarks.harness import Comparison, Work, alternate, compare, parser, report
from benchmarks.texts import mixed_texts
from core.activations import Pool, record_texts
from core.models import Model, open_model

LAYER = 14
MAX_LENGTH = 256
ARRIVAL_BATCH = 16


def recorder(model: Model, texts: Sequence[str], layer: int = LAYER, pool: Pool = "mean") -> Work:
    """Ours: from texts to a store on disk, into an empty workspace each time."""

    def work() -> float:
        before = os.environ.get("CONCEPTSCOPE_HOME")
        os.environ["CONCEPTSCOPE_HOME"] = fresh = tempfile.mkdtemp(prefix="conceptscope-bench-")
        try:
            (store,) = record_texts(model, texts, [model.site(layer)], pool=pool, max_length=MAX_LENGTH)
            if store.cached:
                raise AssertionError("nothing was computed")
            return sum(entry.tokens_read for entry in store.entries().values())
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            del os.environ["CONCEPTSCOPE_HOME"]
            if before is not None:
                os.environ["CONCEPTSCOPE_HOME"] = before

    return work


def bare(model: Model, texts: Sequence[str], layer: int = LAYER) -> Work:
    """The limit: batches ready, nothing kept."""
    cut, batches = truncated(model, layer), sorted_batches(model, texts, MAX_LENGTH)
    tokens = real_tokens(batches)

    def work() -> float:
        run_bare(cut, batches)
        return tokens

    return work


def whole(model: Model, texts: Sequence[str], layer: int = LAYER) -> Work:
    """What a notebook does: every layer of every batch, in arrival order."""
    tokenizer = model.tokenizer
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    def work() -> float:
        tokens, kept = 0, []
        for start in range(0, len(texts), ARRIVAL_BATCH):
            chunk = list(texts[start : start + ARRIVAL_BATCH])
            inputs = tokenizer(chunk, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
            with torch.inference_mode():
                output = model.network(**inputs.to(model.device), output_hidden_states=True)
            mask = inputs["attention_mask"]
            kept.append((output.hidden_states[layer + 1] * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True))
            tokens += int(mask.sum())
        return tokens

    return work


def compare_recording(rounds: int, n_texts: int) -> list[Comparison]:
    model, texts = open_model("smollm2"), mixed_texts(n_texts)
    ways = {"ours": recorder, "bare": bare, "whole": whole}
    alternate({f"warming up, {name}": way(model, texts[:32]) for name, way in ways.items()}, rounds=1)
    # The whole forward is many times slower; a quarter of the texts, as mixed as all of them, tells its rate as well.
    some = {"ours": texts, "bare": texts, "whole": texts[: len(texts) // 4]}
    rates = alternate({name: way(model, some[name]) for name, way in ways.items()}, rounds)
    return [
        compare("record-vs-bare-forward", "tokens/s", rates["ours"], rates["bare"]),
        compare("record-vs-output-hidden-states", "tokens/s", rates["ours"], rates["whole"]),
    ]


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--texts", type=int, default=512, help="how many texts are recorded (default 512)")
    chosen = options.parse_args()
    report(compare_recording(chosen.rounds, chosen.texts), chosen.json)


if __name__ == "__main__":
    main()
