"""Adjusted p-values against their procedures, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from core.stats.multiplicity import benjamini_hochberg, holm, holm_of_families
from tests import reference_tcav as reference


def test_holm_on_a_worked_example() -> None:
    # .01 x 4, .03 x 2, .04 raised to .06, .005 x 4 = .02: ordered .005 .01 .03 .04
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(holm([])) == []


@pytest.mark.parametrize("seed", range(5))
def test_procedures_agree_with_their_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random(12) ** 3
    assert holm(p) == pytest.approx(reference.holm(list(p)))
    families = [list(rng.random(size) ** 4 / 4) for size in (1, 3, 2, 4, 3)]
    adjusted = holm_of_families(families)
    for level in (0.01, 0.05, 0.2, 0.6):
        assert [list(one <= level) for one in adjusted] == reference.holm_families_reject(families, level)
        assert list(benjamini_hochberg(p) <= level) == reference.benjamini_hochberg_rejects(list(p), level)


def test_a_family_leaves_the_count_only_when_it_is_rejected_whole() -> None:
    half, whole = holm_of_families([[0.001, 0.5], [0.03]]), holm_of_families([[0.001, 0.001], [0.03]])
    assert half[1] == pytest.approx([0.06])
    assert whole[1] == pytest.approx([0.03])


def test_no_false_alarm_beyond_the_level_where_some_effects_are_true() -> None:
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(2000):
        # Each of 6 families: one cell with a strong effect, two without, adjusted within by Bonferroni.
        p = rng.random((6, 3))
        p[:, 0] = 1e-6
        adjusted = holm_of_families(list(np.minimum(3 * p, 1)))
        false += any((one[1:] <= 0.05).any() for one in adjusted)
    assert false / 2000 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
