"""What recording a corpus costs on GPUs, from what was measured of a shard outside the forward pass.

`python -m benchmarks.engines --terms > terms.json; python -m benchmarks.engines_plan terms.json`. Nothing is measured
here: the forward pass is taken as floating point operations at a share of a GPU's peak, which is an assumption.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BYTES = {"float32": 4, "bfloat16 or float16": 2}
IDS = 8  # bytes of a token's id
PER_TEXT = 256  # tokens


@dataclass(frozen=True)
class Shape:
    """A model. parameters: that multiply activations, without embeddings. width: of the residual stream."""

    parameters: float
    width: int
    layers: int


@dataclass(frozen=True)
class Gpu:
    """peak: dense operations per second of the makers' data sheet, by precision. share: of it that is reached."""

    name: str
    peak: dict[str, float]
    share: float = 0.4


SEVEN = Shape(6.48e9, 4096, 32)  # 32 x (4 x 4096^2 + 3 x 4096 x 11008)
GPUS = (
    Gpu("H100", {"float32": 67e12, "bfloat16 or float16": 989e12}),
    Gpu("A100", {"float32": 19.5e12, "bfloat16 or float16": 312e12}),
)


def forward_rate(shape: Shape, gpu: Gpu, precision: str, depth: int) -> float:
    """Tokens per second of one GPU through `depth` layers: two operations for each parameter and token."""
    return gpu.peak[precision] * gpu.share / (2 * shape.parameters * depth / shape.layers)


def shard_tokens(shape: Shape, precision: str, pool: str) -> int:
    """Of a full shard; the rule of core/activations/recipe.py."""
    if pool != "none":
        return 512 * PER_TEXT
    fitting = (256 << 20) // (PER_TEXT * shape.width * BYTES[precision])
    return PER_TEXT * max(8, min(256, 1 << fitting.bit_length() - 1))


def stored(shape: Shape, tokens: float, precision: str, pool: str) -> float:
    """Bytes of one site."""
    if pool == "none":
        return tokens * (shape.width * BYTES[precision] + IDS)
    return tokens / PER_TEXT * shape.width * 4


def hours(
    shape: Shape, gpu: Gpu, precision: str, pool: str, tokens: float, gpus: int, terms: dict[str, Any], sites: int = 1
) -> tuple[float, float, float]:
    """Hours of the forward passes, of writing shards after them, and of the asking process, which goes on beside."""
    n = shard_tokens(shape, precision, pool)
    shards = tokens / n
    largest = max(map(int, terms["write"]))
    per_byte = terms["write"][str(largest)] / (largest << 20)
    forward = tokens / gpus / forward_rate(shape, gpu, precision, shape.layers)
    write = sites * stored(shape, tokens, precision, pool) * per_byte / gpus
    return forward / 3600, write / 3600, shards * max(terms["hand_out"].values()) / 3600


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("terms", type=Path, help="what `python -m benchmarks.engines --terms` printed")
    options.add_argument("--tokens", type=float, default=1e9)
    options.add_argument("--gpus", type=int, default=8)
    chosen = options.parse_args()
    terms = json.loads(chosen.terms.read_text())
    print("| precision | pool | shards | one site | 32 sites |\n|---|---|---|---|---|")
    for precision in BYTES:
        for pool in ("none", "mean or last"):
            size = stored(SEVEN, chosen.tokens, precision, pool)
            shards = chosen.tokens / shard_tokens(SEVEN, precision, pool)
            print(f"| {precision} | {pool} | {shards:,.0f} | {size / 1e12:.2f} TB | {32 * size / 1e12:.1f} TB |")
    print("\n| GPU | precision | pool | forward | writing | in all | asking process |\n|---|---|---|---|---|---|---|")
    for gpu in GPUS:
        for precision in BYTES:
            for pool in ("none", "mean or last"):
                forward, write, asking = hours(SEVEN, gpu, precision, pool, chosen.tokens, chosen.gpus, terms)
                row = f"{forward:.1f} h | {write:.2f} h | {max(forward + write, asking):.1f} h | {asking:.2f} h"
                print(f"| {chosen.gpus} x {gpu.name} | {precision} | {pool} | {row} |")


if __name__ == "__main__":
    main()
