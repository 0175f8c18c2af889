"""Intervals of counted shares."""

from __future__ import annotations

import pytest
import torch

from core.stats.shares import share_interval

# Clopper and Pearson's own kind of table: printed values of the exact 95% interval.
PRINTED = {(0, 20): (0.0, 0.1684), (1, 10): (0.0025, 0.4450), (5, 10): (0.1871, 0.8129), (20, 20): (0.8316, 1.0)}


@pytest.mark.parametrize(("counted", "expected"), PRINTED.items())
def test_the_interval_is_that_of_printed_tables(counted: tuple[int, int], expected: tuple[float, float]) -> None:
    assert share_interval(*counted) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("hits", "runs"), [(7, 30), (20, 400), (399, 400)])
def test_at_its_ends_what_was_counted_has_a_chance_of_a_fortieth(hits: int, runs: int) -> None:
    low, high = share_interval(hits, runs)
    counts = torch.arange(runs + 1)

    def chances(share: float) -> torch.Tensor:
        of_runs = torch.distributions.Binomial(runs, torch.tensor(share, dtype=torch.float64))
        return of_runs.log_prob(counts.double()).exp()

    assert float(chances(low)[hits:].sum()) == pytest.approx(0.025, rel=1e-6)
    assert float(chances(high)[: hits + 1].sum()) == pytest.approx(0.025, rel=1e-6)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        share_interval(3, 2)
