"""Dark matter: planted shares are found without bias, halves keep groups together, and plain least squares agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from core.dictionaries.metrics.missing import halves_of, missing
from core.dictionaries.metrics.reading import read
from core.models import Model
from tests.dictionaries import tokens
from tests.test_dictionaries_metrics import LAYER, TEXTS, bound, random_sae


def planted(n: int, d: int, linear: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Tokens x (n, d) of unequal sizes and dimensions, and an error: the share `linear` of it is a linear map of x."""
    chance = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=chance, dtype=torch.float64)

    x = normal(n, d) * (0.4 * normal(n, 1)).exp() * torch.logspace(0.5, -1.5, d, dtype=torch.float64)
    told, noise = x @ normal(d, d), normal(n, d) * x.norm(dim=1, keepdim=True)
    told = told - told.mean(dim=0)
    sizes = [part / part.square().sum().sqrt() for part in (told, noise)]
    return x + 5, (linear**0.5 * sizes[0] + (1 - linear) ** 0.5 * sizes[1]) * n**0.5


@pytest.mark.parametrize("linear", [0.0, 0.1, 0.5])
def test_dark_matter_is_what_no_linear_map_predicts(linear: float) -> None:
    # As many tokens for each dimension as a page has for a stream of 576; least squares scored on other texts alone
    # would find 4% more dark matter than there is, and on its own texts 4% less.
    x, error = planted(6000, 100, linear)
    found = missing(x, x, x - error, range(6000))
    assert found is not None
    spread = float((x - x.mean(0)).square().sum())
    total = float(error.square().sum()) / spread
    assert found.explained + found.linear + found.nonlinear == pytest.approx(1)
    assert found.explained == pytest.approx(1 - total)
    assert found.nonlinear == pytest.approx((1 - linear) * total, rel=0.01)
    assert found.predicted == pytest.approx(linear, abs=0.01)
    assert found.predicted == pytest.approx(found.linear / (found.linear + found.nonlinear))
    assert found.tokens == 6000


def test_dark_matter_is_right_with_the_fewest_tokens_and_not_told_with_fewer() -> None:
    found = [missing(x, x, x - error, range(440)) for x, error in (planted(440, 50, 0.4, seed) for seed in range(20))]
    assert np.mean([one.predicted for one in found if one]) == pytest.approx(0.4, abs=0.03)
    x, error = planted(400, 50, 0.4)
    assert missing(x, x, x - error, range(400)) is None
    wide = torch.zeros(3, 4097)
    assert missing(wide, wide, wide, range(3)) is None


def test_halves_are_least_squares_with_an_intercept() -> None:
    """Against plain least squares on both halves."""
    x, error = planted(900, 12, 0.3)
    half = halves_of(range(900))
    assert int(half.sum()) == 450
    wanted = torch.cat([error, error.square().sum(dim=1, keepdim=True)], dim=1)
    inputs = torch.cat([x, torch.ones(900, 1, dtype=torch.float64)], dim=1)
    left = torch.zeros(13, dtype=torch.float64)
    for fitted in (half, ~half):
        weights = torch.linalg.lstsq(inputs[fitted], wanted[fitted], driver="gelsd").solution
        left += (wanted - inputs @ weights).square().sum(dim=0) / 2
    found = missing(x, x, x - error, range(900))
    assert found is not None
    assert found.nonlinear == pytest.approx(float(left[:-1].sum() / (x - x.mean(0)).square().sum()), rel=1e-9)
    sizes = wanted[:, -1]
    assert found.predicted_norm == pytest.approx(float(1 - left[-1] / (sizes - sizes.mean()).square().sum()), rel=1e-9)


def test_all_texts_of_a_group_are_on_one_side() -> None:
    groups = [7, 7, 3, 9, 3, 9, 1, 1, 1]
    half = halves_of(groups)
    assert all(len({bool(half[i]) for i, own in enumerate(groups) if own == group}) == 1 for group in set(groups))
    assert len({bool(one) for one in half}) == 2
    # A copy of every token on the other side lets a map know what it is scored on: the error seems to be linear.
    x, error = planted(330, 60, 0.0)
    twice = [torch.cat([part, part]) for part in (x, x, x - error)]
    apart, together = (missing(*twice, groups) for groups in (range(660), [*range(330)] * 2))
    assert apart is not None
    assert together is not None
    assert together.predicted < apart.predicted - 0.05


def test_passages_of_one_text_are_on_one_side_of_a_reading(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    monkeypatch.setattr(
        "core.dictionaries.metrics.reading.halves_of", lambda groups: (seen.append(list(groups)), halves_of(groups))[1]
    )
    dictionary = bound(random_sae(), tiny.site(LAYER))
    read(tiny, dictionary, [*TEXTS, TEXTS[0]], in_parts=True)
    assert seen[0][0] == seen[0][-1]
    assert len(set(seen[0])) == len(TEXTS)
    read(tiny, dictionary, TEXTS, groups=[3] * len(TEXTS), in_parts=True)
    assert seen[1] == [3] * len(TEXTS)


def test_a_reading_tells_the_parts_of_all_its_tokens(tiny: Model) -> None:
    texts = [f"{one} {number} {TEXTS[-1]}" for number in range(12) for one in TEXTS]
    found = read(tiny, bound(random_sae(0.1), tiny.site(LAYER)), texts, in_parts=True)
    assert found.missing is not None
    assert found.missing.tokens == found.n_tokens
    assert found.missing.explained == pytest.approx(found.explained_variance)
    assert read(tiny, bound(random_sae(), tiny.site(LAYER)), TEXTS).missing is None


def test_error_norms_are_predicted_where_they_are_linear() -> None:
    x = tokens(4000, 3, dtype=torch.float64)
    unit = torch.nn.functional.normalize(tokens(4000, 3, seed=5, dtype=torch.float64))
    size = (4 + x[:, :1]).clamp(min=0.01).sqrt()
    found = missing(x, x, x - size * unit, range(4000))
    assert found is not None
    assert found.predicted < 0.05
    assert found.predicted_norm > 0.98
