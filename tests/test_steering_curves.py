"""Curves, slopes and range of a dose sweep are what plain arithmetic gives, and intervals hold what they should."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.steering import Guards
from core.steering.dose_curves import compare_slopes, curve, recommended_range
from core.steering.dose_sweep import DoseSweep, SweptText

PROMPTS = ("The film was good and the music", "She wrote a letter", "They walked along the river")


def made_up(measure: dict[tuple[str, int, int, float], float], **more: dict[float, float]) -> DoseSweep:
    """A sweep with given measures by (arm, number, prompt, dose), and guards by dose."""
    perplexity, repetition = more.get("perplexity", {}), more.get("repetition", {})
    texts = tuple(
        SweptText(
            arm=arm,  # type: ignore[arg-type]
            number=number,
            dose=dose,
            coefficient=dose,
            prompt=prompt,
            seed=0,
            text="",
            tokens=(1,),
            score=None,
            measure=value,
            guards=Guards(0.1, 1.0, perplexity.get(dose, 10.0), repetition.get(dose, 0.0)),
        )
        for (arm, number, prompt, dose), value in measure.items()
    )
    doses = tuple(sorted({text.dose for text in texts}))
    prompts = tuple(f"p{n}" for n in sorted({text.prompt for text in texts}))
    n_random = len({text.number for text in texts if text.arm == "random"})
    return DoseSweep("d", prompts, doses, (0,), n_random, texts, (), 1.0, 1.0)


def test_slopes_and_those_of_random_directions() -> None:
    slopes = {0: 2.0, 1: 1.0, 2: 3.0, 3: -0.5}
    measure = {("direction", 0, p, d): 5 * p + s * d for p, s in slopes.items() for d in (-1.0, 0.0, 1.0)}
    for number, tilt in enumerate((0.3, -0.4, 9.0)):
        measure |= {("random", number, p, d): 5 * p + tilt * d for p in slopes for d in (-1.0, 1.0)}
    found = compare_slopes(made_up(measure))
    assert found is not None
    assert found.slope.mean == pytest.approx(np.mean(list(slopes.values())))
    assert found.slope.low <= found.slope.mean <= found.slope.high
    assert found.slope.wrong_way == 0.25
    assert found.random == pytest.approx((0.3, -0.4, 9.0))
    assert found.above == 2
    assert found.random_mean == pytest.approx(8.9 / 3)


def test_a_random_direction_is_seldom_told_from_random_ones() -> None:
    """Slopes that vary from direction to direction and from prompt to prompt, the tested one like any other."""
    rng = np.random.default_rng(0)
    found = [compare_slopes(normal_slopes(rng, n_random=7)) for _ in range(400)]
    assert 8 <= sum(one is not None and one.p <= 0.05 for one in found) <= 33  # 99% of binomial(400, .05)
    far = compare_slopes(normal_slopes(rng, n_random=7, own=9.0))
    assert far is not None
    assert far.p < 0.01
    few = compare_slopes(normal_slopes(rng, n_random=2, own=9.0))
    assert few is not None
    assert math.isnan(few.p)


def test_intervals_over_few_prompts_hold_what_they_should() -> None:
    """95% of them, where percentiles of a bootstrap of eight hold 88%."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        found = compare_slopes(normal_slopes(rng, n_random=0, spread=0.0))
        assert found is not None
        held += found.slope.low <= 0 <= found.slope.high
    assert 368 <= held <= 391  # 99% of binomial(400, .95)


def normal_slopes(
    rng: np.random.Generator, *, n_random: int, own: float | None = None, spread: float = 0.5
) -> DoseSweep:
    """Directions with slopes of this spread and prompts that differ from these by 1; `own` in place of the first."""
    measure = {("direction", 0, p, 0.0): 0.0 for p in range(8)}
    for number in range(n_random + 1):
        slope = rng.normal() * spread if number or own is None else own
        for prompt in range(8):
            at = slope + rng.normal()
            arm = ("random", number - 1) if number else ("direction", 0)
            measure |= {(*arm, prompt, dose): at * dose for dose in (-1.0, 1.0)}
    return made_up(measure)


def test_a_curve_is_the_mean_over_prompts_and_perplexity_a_geometric_one() -> None:
    measure = {("direction", 0, p, d): float(p + d) for p in range(3) for d in (0.0, 1.0)}
    sweep = made_up(measure)
    assert [point.mean for point in curve(sweep, "measure")] == pytest.approx([1.0, 2.0])
    uneven = replace(
        sweep,
        texts=tuple(replace(t, guards=replace(t.guards, perplexity=[1.0, 10.0, 100.0][t.prompt])) for t in sweep.texts),
    )
    assert [point.mean for point in curve(uneven, "perplexity")] == pytest.approx([10.0, 10.0])
    assert all(point.low <= point.mean <= point.high for point in curve(uneven, "perplexity"))


@pytest.mark.parametrize(
    ("perplexity", "repetition", "expected"),
    [
        ({}, {}, (-2.0, 2.0)),
        ({2.0: 16.0}, {}, (-2.0, 1.0)),
        ({-1.0: 16.0}, {}, (0.0, 2.0)),  # what lies beyond a broken dose is not offered, however sound it looks
        ({}, {1.0: 0.2, -2.0: 0.2}, (-1.0, 0.0)),
        ({1.0: 14.9, 2.0: 15.1}, {}, (-2.0, 1.0)),
    ],
)
def test_the_range_ends_where_the_texts_break(
    perplexity: dict[float, float], repetition: dict[float, float], expected: tuple[float, float]
) -> None:
    measure = {("direction", 0, p, d): d + p % 3 for p in range(8) for d in (-2.0, -1.0, 0.0, 1.0, 2.0)}
    found = recommended_range(made_up(measure, perplexity=perplexity, repetition=repetition))
    assert found is not None
    assert (found.low, found.high) == (found.held_low, found.held_high) == expected
    for dose, worse, more, effect in found.shown:
        assert worse == pytest.approx(perplexity.get(dose, 10.0) / 10)
        assert more == pytest.approx(repetition.get(dose, 0.0))
        assert effect is not None
        assert math.copysign(1, effect) == math.copysign(1, dose)


def test_the_range_is_shown_on_prompts_that_did_not_choose_it() -> None:
    """Half of the prompts break at dose 1: where they are not those that chose, the other half shows it."""
    measure = {("direction", 0, p, d): d for p in range(4) for d in (0.0, 1.0)}
    sweep = made_up(measure)
    order = np.random.default_rng(0).permutation(4)
    broken = set(order[2:].tolist())
    texts = tuple(
        replace(t, guards=replace(t.guards, perplexity=90.0)) if t.prompt in broken and t.dose else t
        for t in sweep.texts
    )
    found = recommended_range(replace(sweep, texts=texts))
    assert found is not None
    assert found.high == 1.0
    assert found.shown[0][1] == pytest.approx(9.0)
    assert (found.held_low, found.held_high) == (0.0, 0.0)  # on both halves nothing but dose 0 is sound
