"""A dose sweep out of what `steer --json` printed: for pages, which run long sweeps as jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np

from core.steering.dose_sweep import DoseSweep, SweptText
from core.steering.guarding import Guards
from core.steering.measures import Measure


def sweep_of(result: Mapping[str, Any], direction: str) -> DoseSweep:
    """The sweep; its judges without their weights. The doses that were asked for must have held 0."""
    rows: Sequence[Mapping[str, Any]] = [*result["results"], *result["control"]]
    prompts = list(dict.fromkeys(row["prompt"] for row in rows))
    place = {prompt: number for number, prompt in enumerate(prompts)}
    texts = tuple(_text(row, place[row["prompt"]]) for row in rows)
    return DoseSweep(
        direction=direction,
        prompts=tuple(prompts),
        doses=tuple(sorted({text.dose for text in texts if text.arm != "prompt"})),
        seeds=tuple(sorted({text.seed for text in texts})),
        n_random=len({text.number for text in texts if text.arm == "random"}),
        texts=texts,
        judges=tuple(_judge(judge) for judge in result["judges"]),
        tokens_per_second=result["tokens_per_second"],
        seconds=result["seconds"],
    )


def _text(row: Mapping[str, Any], prompt: int) -> SweptText:
    kept = row["guards"]
    four = {name: nan if kept[name] is None else kept[name] for name in ("kl", "entropy", "perplexity", "repetition")}
    own = {name: row[name] for name in ("arm", "number", "dose", "coefficient", "seed", "text", "score", "measure")}
    return SweptText(
        **own, prompt=prompt, tokens=tuple(row.get("tokens", ())), guards=Guards(**four, target=kept["target"])
    )


def _judge(value: Mapping[str, Any]) -> Measure:
    return Measure(**{**value, "weights": np.zeros(0), "auroc_ci": tuple(value["auroc_ci"])})
