"""The map of features against what it is for: neighbours stay together, and the same seed draws the same map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness

from core.dictionaries import Card, Dictionary
from core.dictionaries.maps.feature_map import feature_map, known_map
from core.dictionaries.sae import Config, Sae
from core.errors import UserError


def clustered(groups: int = 12, of: int = 20, width: int = 24, noise: float = 0.35) -> torch.Tensor:
    chance = torch.Generator().manual_seed(0)
    centres = torch.randn(groups, width, generator=chance)
    rows = centres.repeat_interleave(of, dim=0) + noise * torch.randn(groups * of, width, generator=chance)
    return rows * torch.rand(len(rows), 1, generator=chance).add(0.5)  # lengths must not count


def dictionary(rows: torch.Tensor) -> Dictionary:
    m, width = rows.shape
    config = Config("topk", width, m, width, k=2)
    weights = {name: torch.zeros(shape) for name, shape in config.shapes().items()}
    return Dictionary("d", Sae(config, {**weights, "W_dec": rows}), Card())


def test_a_map_keeps_neighbours_together(home: Path) -> None:
    rows, told = clustered(), []
    points = feature_map(dictionary(rows), progress=told.append)
    unit = torch.nn.functional.normalize(rows, dim=1).numpy()
    flat = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)[0][:, :2]
    chance = np.random.default_rng(0).normal(size=points.shape)
    kept, by_components, by_chance = (
        trustworthiness(unit, drawn, n_neighbors=10, metric="cosine") for drawn in (points, flat, chance)
    )
    assert kept > 0.93
    assert kept > by_components + 0.02
    assert by_components > by_chance + 0.1
    own = np.repeat(np.arange(12), 20)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (own[gaps.argmin(axis=1)] == own).mean() > 0.97
    rounds = [(one.done, one.total) for one in told if one.note == "drawing the map"]
    assert rounds == sorted(rounds)
    assert rounds[-1][0] == rounds[-1][1]


def test_lengths_do_not_count(home: Path) -> None:
    rows = torch.nn.functional.normalize(clustered(4, 8), dim=1)
    np.testing.assert_allclose(feature_map(dictionary(rows)), feature_map(dictionary(4 * rows)), atol=1e-4)


def test_a_map_is_kept_and_comes_out_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = dictionary(clustered(4, 8))
    assert known_map(one) is None
    points = feature_map(one)
    np.testing.assert_array_equal(known_map(one), points)
    monkeypatch.setattr("core.dictionaries.maps.feature_map.known_map", lambda *_, **__: None)
    np.testing.assert_array_equal(feature_map(one), points)
    assert not np.array_equal(feature_map(one, seed=1), points)


def test_equals_and_nothing_are_drawn_too(home: Path) -> None:
    rows = torch.cat([torch.ones(8, 6), torch.zeros(4, 6)])
    assert np.isfinite(feature_map(dictionary(rows))).all()
    for few in (torch.ones(3, 6), torch.ones(8, 1)):
        with pytest.raises(UserError, match="make no map"):
            feature_map(dictionary(few))


@pytest.mark.parametrize("m", [4, 5, 16])
def test_fewer_features_than_neighbours_have_a_map(home: Path, m: int) -> None:
    points = feature_map(dictionary(torch.randn(m, 6, generator=torch.Generator().manual_seed(0))))
    assert points.shape == (m, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points.round(3), axis=0)) == m
