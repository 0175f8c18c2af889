"""A dose sweep as the JSON that `steer --json` prints, and out of it: for pages, which run long sweeps as jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any

import numpy as np

from core.steering.dose_curves import Comparison, compare_slopes, recommended_range
from core.steering.dose_sweep import WITHOUT_DOSES, DoseSweep, SweptText
from core.steering.guarding import Guards
from core.steering.measures import Measure


def to_json(sweep: DoseSweep, doses: Sequence[float]) -> dict[str, Any]:
    """Texts, curves, and what they say of the direction."""
    result = texts_json(sweep, doses)
    if len(sweep.prompts) < 2 or len(sweep.doses) < 3:
        return result
    found = recommended_range(sweep)
    result["range"] = None if found is None else [found.low, found.high]
    result["range_held"] = None if found is None else [found.held_low, found.held_high]
    result["range_shown"] = None if found is None else [list(end) for end in found.shown]
    if (slopes := compare_slopes(sweep)) is not None:
        result["slope"] = slope_json(slopes)
    return result


def slope_json(slopes: Comparison) -> dict[str, Any]:
    """A slope beside those of random directions. interval: Nones for one prompt. p: None for too few directions."""
    return {
        "mean": slopes.slope.mean,
        "interval": [_or_none(slopes.slope.low), _or_none(slopes.slope.high)],
        "wrong_way": slopes.slope.wrong_way,
        "random": list(slopes.random),
        "above": slopes.above,
        "p": _or_none(slopes.p),
    }


def _or_none(value: float) -> float | None:
    return None if isnan(value) else value


def texts_json(sweep: DoseSweep, doses: Sequence[float]) -> dict[str, Any]:
    """Texts of the direction at the doses that were asked for, in their order; all others are controls."""
    place = {dose: number for number, dose in enumerate(doses)}
    own = [text for text in sweep.texts if text.arm == "direction" and text.dose in place]
    own.sort(key=lambda text: (text.prompt, text.seed, place[text.dose]))
    others = [text for text in sweep.texts if text.arm != "direction"]
    return {
        "results": [
            {**text.to_json(), "prompt": sweep.prompts[text.prompt], "tokens": list(text.tokens)} for text in own
        ],
        "control": [{**text.to_json(), "prompt": sweep.prompts[text.prompt]} for text in others],
        "judges": [judge.to_json() for judge in sweep.judges],
        "tokens_per_second": round(sweep.tokens_per_second, 2),
        "seconds": round(sweep.seconds, 2),
    }


def sweep_of(result: Mapping[str, Any], direction: str) -> DoseSweep:
    """The sweep; its judges without their weights. The doses that were asked for must have held 0."""
    rows: Sequence[Mapping[str, Any]] = [*result["results"], *result["control"]]
    prompts = list(dict.fromkeys(row["prompt"] for row in rows))
    place = {prompt: number for number, prompt in enumerate(prompts)}
    texts = tuple(_text(row, place[row["prompt"]]) for row in rows)
    return DoseSweep(
        direction=direction,
        prompts=tuple(prompts),
        doses=tuple(sorted({text.dose for text in texts if text.arm not in WITHOUT_DOSES})),
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
