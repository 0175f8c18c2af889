"""What a dose sweep says: curves with intervals, slopes beside those of random directions, a safe range of doses."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from core.steering.dose_sweep import WITHOUT_DOSES, Arm, DoseSweep, SweptText

FEWEST_RANDOM = 3  # random directions below which their spread is not known at all
WORST_PERPLEXITY = 1.5  # times that of the plain texts
MORE_REPETITION = 0.1  # above that of the plain texts

Quantity = Literal["measure", "score", "kl", "entropy", "perplexity", "repetition", "target"]


@dataclass(frozen=True)
class Point:
    """A quantity at one dose: mean over prompts (each the mean of its seeds), 95% interval by Student's t over prompts.

    Perplexities are averaged as logarithms, so that their mean is a geometric one.
    """

    dose: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Slope:
    """Change of a quantity per unit of dose: least squares through each prompt's curve, averaged over prompts.

    low, high: 95%, Student's t over prompts: a bootstrap of eight is too short by a quarter. wrong_way: share of
    prompts, 0-1, whose own slope has the other sign.
    """

    mean: float
    low: float
    high: float
    wrong_way: float


@dataclass(frozen=True)
class Comparison:
    """The direction's slope beside those of random directions of the same length.

    above: how many of them lie below it, at the doses that they have. p: how often one more random direction would have
    a slope that far from the others' mean, on either side: Student's t, as if random slopes were normal; NaN for fewer
    than 3 of them. random_mean, random_low, random_high: mean of their slopes with its 95% interval over directions; it
    should hold 0.
    """

    slope: Slope
    random: tuple[float, ...]
    above: int
    p: float
    random_mean: float
    random_low: float
    random_high: float


@dataclass(frozen=True)
class Range:
    """The doses between which the texts stay sound, and what they do on prompts that had no say in it.

    low, high: doses. Chosen on one half of the prompts: the widest range around 0 in which every dose keeps the
    perplexity within 1.5 times that of the plain texts and repetition within .1 of it. Shown on the other half, for
    each dose of the range but 0: perplexity as a multiple of plain, added repetition, and change of the measure in
    standard deviations of the plain texts. held_low, held_high: the part of the range in which the other half of the
    prompts stays sound too.
    """

    low: float
    high: float
    held_low: float
    held_high: float
    shown: tuple[tuple[float, float, float, float | None], ...]  # dose, perplexity ratio, repetition, effect


def curve(sweep: DoseSweep, quantity: Quantity, arm: Arm = "direction", number: int = 0) -> list[Point]:
    """The quantity over the doses of one arm."""
    table = _table(sweep, quantity, arm, number)
    back = np.exp if quantity == "perplexity" else np.asarray
    points = []
    for place, dose in enumerate((0.0,) if arm in WITHOUT_DOSES else sweep.doses):
        values = table[:, place]
        low, high = _interval(values[~np.isnan(values)])
        points.append(Point(dose, float(back(_mean(values))), float(back(low)), float(back(high))))
    return points


def compare_slopes(sweep: DoseSweep, quantity: Quantity = "measure") -> Comparison | None:
    """The slope of the quantity over dose, beside those of the sweep's random directions; None where no prompt has the
    quantity at two doses: nobody judged."""
    own = _slopes(sweep, quantity, "direction", 0)
    if len(own) == 0:
        return None
    each = (_slopes(sweep, quantity, "random", number) for number in range(sweep.n_random))
    random = np.array([slopes.mean() for slopes in each if len(slopes)])
    low, high = _interval(own)
    mean = float(own.mean())
    between = _interval(random)
    # Compared at the doses that random directions have too, since a slope through fewer doses spreads wider.
    alike = _slopes(sweep, quantity, "direction", 0, doses=sweep.random_doses) if len(random) else own
    return Comparison(
        slope=Slope(mean, low, high, float(np.mean(own * np.sign(mean) < 0))),
        random=tuple(random.tolist()),
        above=int((random < alike.mean()).sum()),
        p=_as_one_more(float(alike.mean()), random),
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
    measure = _table(sweep, "measure", "direction", 0)
    plain = _plain(sweep, "measure")
    # How much worse than plain, (prompts, doses); perplexity in logarithms.
    perplexity = _table(sweep, "perplexity", "direction", 0) - _plain(sweep, "perplexity")[:, None]
    repetition = _table(sweep, "repetition", "direction", 0) - _plain(sweep, "repetition")[:, None]
    zero = sweep.doses.index(0.0)

    def harm(prompts: np.ndarray, place: int) -> tuple[float, float]:
        """Perplexity as a multiple of the plain texts', and added repetition."""
        return float(np.exp(_mean(perplexity[prompts, place]))), _mean(repetition[prompts, place])

    def widest(prompts: np.ndarray, least: int, most: int) -> tuple[int, int]:
        """The range around 0 within these places in which all is sound for these prompts."""

        def sound(place: int) -> bool:
            worse, more = harm(prompts, place)
            return worse <= WORST_PERPLEXITY and more <= MORE_REPETITION

        low = high = zero
        while low > least and sound(low - 1):
            low -= 1
        while high < most and sound(high + 1):
            high += 1
        return low, high

    low, high = widest(tuned, 0, len(sweep.doses) - 1)
    held = widest(shown, low, high)
    spread = _spread(sweep, [int(p) for p in shown])
    ends = []
    for place in sorted(set(range(low, high + 1)) - {zero}):
        moved = _mean(measure[shown, place] - plain[shown])
        ends.append(
            (sweep.doses[place], *harm(shown, place), moved / spread if spread and np.isfinite(moved) else None)
        )
    at = sweep.doses
    return Range(at[low], at[high], at[held[0]], at[held[1]], tuple(ends))


def _spread(sweep: DoseSweep, prompts: Sequence[int]) -> float:
    """Standard deviation of the measure over the plain texts, one by one."""
    plain = [text.measure for text in sweep.texts if _is_plain(sweep, text) and text.prompt in prompts]
    values = [value for value in plain if value is not None]
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _is_plain(sweep: DoseSweep, text: SweptText) -> bool:
    """Whether nothing was done to a text: of operators that do something at dose 0 these are texts of their own."""
    return text.arm == "plain" if sweep.has_plain else (text.arm == "direction" and text.dose == 0)


def _plain(sweep: DoseSweep, quantity: Quantity) -> np.ndarray:
    """(prompts,): the quantity where nothing was done, means over seeds."""
    if sweep.has_plain:
        return _table(sweep, quantity, "plain", 0)[:, 0]
    return _table(sweep, quantity, "direction", 0)[:, sweep.doses.index(0.0)]


def _table(sweep: DoseSweep, quantity: Quantity, arm: Arm, number: int) -> np.ndarray:
    """(prompts, doses): means over seeds; NaN where nothing was written. Dose 0 is shared by all arms with doses, where
    it does nothing."""
    doses = {dose: place for place, dose in enumerate((0.0,) if arm in WITHOUT_DOSES else sweep.doses)}
    sums, counts = np.zeros((2, len(sweep.prompts), len(doses)))
    for text in sweep.texts:
        own = text.arm == arm and text.number == number
        shared = arm == "random" and text.arm == "direction" and text.dose == 0 and not sweep.has_plain
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


def _slopes(
    sweep: DoseSweep, quantity: Quantity, arm: Arm, number: int, *, doses: Set[float] | None = None
) -> np.ndarray:
    """Least-squares slope per prompt over these doses (all), for those that have texts at two of them or more."""
    table, at = _table(sweep, quantity, arm, number), np.array(sweep.doses)
    wanted = np.array([doses is None or dose in doses for dose in sweep.doses])
    found = []
    for values in table:
        there = ~np.isnan(values) & wanted
        if there.sum() > 1:
            found.append(np.polyfit(at[there], values[there], 1)[0])
    return np.array(found)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """95% interval of the mean of independent values, by Student's t; NaN for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def _as_one_more(slope: float, random: np.ndarray) -> float:
    """Two-sided p that one more direction like the random ones has this slope or one farther out."""
    n = len(random)
    if n < FEWEST_RANDOM or not (spread := float(random.std(ddof=1))):
        return float("nan")
    return float(2 * stats.t.sf(abs(slope - random.mean()) / (spread * np.sqrt(1 + 1 / n)), n - 1))


def _mean(values: np.ndarray) -> float:
    """Of those that are there; NaN where none is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")
