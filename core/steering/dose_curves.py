"""What a dose sweep says: curves with intervals, slopes beside those of random directions, a safe range of doses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.steering.dose_sweep import Arm, DoseSweep, SweptText

RESAMPLES = 2000
WORST_PERPLEXITY = 1.5  # times that of the plain texts
MORE_REPETITION = 0.1  # above that of the plain texts

Quantity = Literal["measure", "score", "kl", "entropy", "perplexity", "repetition", "target"]


@dataclass(frozen=True)
class Point:
    """A quantity at one dose: mean over prompts (each the mean of its seeds), 95% interval by bootstrap of prompts.

    Perplexities are averaged as logarithms, so that their mean is a geometric one.
    """

    dose: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Slope:
    """Change of a quantity per unit of dose: least squares through each prompt's curve, averaged over prompts.

    low, high: 95%, bootstrap of prompts. wrong_way: share of prompts, 0-1, whose own slope has the other sign.
    """

    mean: float
    low: float
    high: float
    wrong_way: float


@dataclass(frozen=True)
class Comparison:
    """The direction's slope beside those of random directions of the same length.

    above: how many of them lie below it. random_mean, random_low, random_high: mean of their slopes with a 95%
    interval, bootstrap of directions; it should contain 0.
    """

    slope: Slope
    random: tuple[float, ...]
    above: int
    random_mean: float
    random_low: float
    random_high: float


@dataclass(frozen=True)
class Range:
    """The doses between which the texts stay sound, and what they do on prompts that had no say in it.

    low, high: doses. Chosen on one half of the prompts: the widest range around 0 in which every dose keeps the
    perplexity within 1.5 times that of the plain texts and repetition within .1 of it. Shown on the other half, for
    each dose of the range but 0: perplexity as a multiple of plain, added repetition, and change of the measure in
    standard deviations of the dose-0 texts.
    """

    low: float
    high: float
    shown: tuple[tuple[float, float, float, float | None], ...]  # dose, perplexity ratio, repetition, effect


def curve(sweep: DoseSweep, quantity: Quantity, arm: Arm = "direction", number: int = 0) -> list[Point]:
    """The quantity over the doses of one arm."""
    table = _table(sweep, quantity, arm, number)
    back = np.exp if quantity == "perplexity" else np.asarray
    points = []
    for place, dose in enumerate(sweep.doses if arm != "prompt" else (0.0,)):
        values = table[:, place]
        low, high = _interval(values[~np.isnan(values)], np.mean)
        mean = float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
        points.append(Point(dose, float(back(mean)), float(back(low)), float(back(high))))
    return points


def compare_slopes(sweep: DoseSweep, quantity: Quantity = "measure") -> Comparison:
    """The slope of the quantity over dose, beside those of the sweep's random directions."""
    own = _slopes(sweep, quantity, "direction", 0)
    random = np.array([_slopes(sweep, quantity, "random", number).mean() for number in range(sweep.n_random)])
    low, high = _interval(own, np.mean)
    mean = float(own.mean())
    between = _interval(random, np.mean) if len(random) else (float("nan"), float("nan"))
    return Comparison(
        slope=Slope(mean, low, high, float(np.mean(own * np.sign(mean) < 0))),
        random=tuple(random.tolist()),
        above=int((random < mean).sum()),
        random_mean=float(random.mean()) if len(random) else float("nan"),
        random_low=between[0],
        random_high=between[1],
    )


def recommended_range(sweep: DoseSweep, *, seed: int = 0) -> Range | None:
    """The doses in which the texts stay sound; None for fewer than two prompts: there is nothing to show it on."""
    n = len(sweep.prompts)
    if n < 2:
        return None
    order = np.random.default_rng(seed).permutation(n)
    tuned, shown = order[: n // 2], order[n // 2 :]
    perplexity = _table(sweep, "perplexity", "direction", 0)
    repetition = _table(sweep, "repetition", "direction", 0)
    measure = _table(sweep, "measure", "direction", 0)
    zero = sweep.doses.index(0.0)

    def sound(place: int) -> bool:
        worse, more = _harm(perplexity, repetition, tuned, place, zero)
        return worse <= WORST_PERPLEXITY and more <= MORE_REPETITION

    low = high = zero
    while low > 0 and sound(low - 1):
        low -= 1
    while high < len(sweep.doses) - 1 and sound(high + 1):
        high += 1
    spread = _spread(sweep, [int(p) for p in shown])
    ends = []
    for place in sorted(set(range(low, high + 1)) - {zero}):
        worse, more = _harm(perplexity, repetition, shown, place, zero)
        moved = float(np.nanmean(measure[shown, place] - measure[shown, zero]))
        effect = moved / spread if spread and np.isfinite(moved) else None
        ends.append((sweep.doses[place], worse, more, effect))
    return Range(sweep.doses[low], sweep.doses[high], tuple(ends))


def _harm(
    perplexity: np.ndarray, repetition: np.ndarray, prompts: np.ndarray, place: int, zero: int
) -> tuple[float, float]:
    """Perplexity as a multiple of the plain texts', and added repetition."""
    worse = float(np.exp(np.nanmean(perplexity[prompts, place]) - np.nanmean(perplexity[prompts, zero])))
    return worse, float(np.nanmean(repetition[prompts, place]) - np.nanmean(repetition[prompts, zero]))


def _spread(sweep: DoseSweep, prompts: Sequence[int]) -> float:
    """Standard deviation of the measure over the dose-0 texts, one by one."""
    plain = [t.measure for t in sweep.texts if t.arm == "direction" and t.dose == 0 and t.prompt in prompts]
    values = [value for value in plain if value is not None]
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _table(sweep: DoseSweep, quantity: Quantity, arm: Arm, number: int) -> np.ndarray:
    """(prompts, doses): means over seeds; NaN where nothing was written. Dose 0 is shared by all arms with doses."""
    doses = {dose: place for place, dose in enumerate(sweep.doses if arm != "prompt" else (0.0,))}
    sums, counts = np.zeros((2, len(sweep.prompts), len(doses)))
    for text in sweep.texts:
        own = text.arm == arm and text.number == number
        shared = arm == "random" and text.arm == "direction" and text.dose == 0
        value = _value(text, quantity)
        if (own or shared) and value is not None:
            sums[text.prompt, doses[text.dose]] += value
            counts[text.prompt, doses[text.dose]] += 1
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _value(text: SweptText, quantity: Quantity) -> float | None:
    value = getattr(text, quantity) if quantity in ("measure", "score") else getattr(text.guards, quantity)
    if value is None or not np.isfinite(value):
        return None
    return float(np.log(value)) if quantity == "perplexity" else float(value)


def _slopes(sweep: DoseSweep, quantity: Quantity, arm: Arm, number: int) -> np.ndarray:
    """Least-squares slope per prompt, for those that have texts at two doses or more."""
    table, doses = _table(sweep, quantity, arm, number), np.array(sweep.doses)
    found = []
    for values in table:
        there = ~np.isnan(values)
        if there.sum() > 1:
            found.append(np.polyfit(doses[there], values[there], 1)[0])
    return np.array(found)


def _interval(values: np.ndarray, statistic: Callable[..., np.ndarray]) -> tuple[float, float]:
    """95% percentile bootstrap interval of a statistic of independent values; NaN for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(statistic(values[drawn], axis=1), [0.025, 0.975])
    return float(low), float(high)
