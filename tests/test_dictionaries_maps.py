"""The map of features against its paper's equations and against what it is for: neighbours stay together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness

from core.dictionaries import Card, Dictionary
from core.dictionaries.maps.feature_map import feature_map, known_map
from core.dictionaries.maps.graph import bandwidths, fuzzy_graph, nearest
from core.dictionaries.maps.layout import A, B, pulling, pushing
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


def test_neighbours_are_those_of_brute_force() -> None:
    rows = clustered(4, 6)
    ids, distances = nearest(rows, 5)
    unit = torch.nn.functional.normalize(rows.double(), dim=1)
    full = 1 - (unit @ unit.T).numpy()
    np.fill_diagonal(full, np.inf)
    np.testing.assert_array_equal(ids, np.argsort(full, axis=1, kind="stable")[:, :5])
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :5], atol=1e-6)


def test_bandwidths_solve_their_equation() -> None:
    _, distances = nearest(clustered(6, 10), 15)
    rho, sigma = bandwidths(distances)
    for row in range(len(distances)):
        assert rho[row] == distances[row].min()
        total = sum(math.exp(-max(0.0, d - rho[row]) / sigma[row]) for d in distances[row])
        assert total == pytest.approx(math.log2(15), rel=1e-6)


def test_weights_are_the_union_of_one_sided_ones() -> None:
    ids, distances = nearest(clustered(3, 5), 4)
    rho, sigma = bandwidths(distances)
    one = np.zeros((15, 15))
    for i in range(15):
        for place in range(4):
            one[i, ids[i, place]] = math.exp(-max(0.0, distances[i, place] - rho[i]) / sigma[i])
    union = one + one.T - one * one.T
    i, j, weight = fuzzy_graph(ids, distances)
    found = np.zeros((15, 15))
    found[i, j] = weight
    np.testing.assert_allclose(found, union, atol=1e-12)


def test_forces_are_the_gradients_of_the_papers_terms() -> None:
    for distance in (0.3, 1.0, 4.0):
        y = torch.tensor([distance, 0.0], dtype=torch.float64, requires_grad=True)
        near = 1 / (1 + A * (y**2).sum() ** B)
        (pull,) = torch.autograd.grad(torch.log(near), y, retain_graph=True)
        (push,) = torch.autograd.grad(torch.log(1 - near), y)
        square = np.array([distance**2])
        assert pulling(square)[0] * distance == pytest.approx(float(pull[0]), rel=1e-9)
        assert pushing(square)[0] * distance == pytest.approx(float(push[0]), rel=2e-2)  # softened near 0
    assert pulling(np.zeros(1))[0] == 0


def test_a_and_b_fit_a_curve_that_is_flat_below_a_tenth() -> None:
    from scipy.optimize import curve_fit

    x = np.linspace(0, 3, 300)
    wanted = np.where(x < 0.1, 1.0, np.exp(-(x - 0.1)))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), x, wanted)
    assert (pytest.approx(a, rel=1e-2), pytest.approx(b, rel=1e-2)) == (A, B)


def test_a_map_keeps_neighbours_together(home: Path) -> None:
    rows = clustered()
    points = feature_map(dictionary(rows))
    unit = torch.nn.functional.normalize(rows, dim=1).numpy()
    kept = trustworthiness(unit, points, n_neighbors=10, metric="cosine")
    flat = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)[0][:, :2]
    assert kept > 0.93
    assert kept > trustworthiness(unit, flat, n_neighbors=10, metric="cosine") + 0.02
    own = np.repeat(np.arange(12), 20)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (own[gaps.argmin(axis=1)] == own).mean() > 0.97


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
    with pytest.raises(UserError, match="make no map"):
        feature_map(dictionary(torch.ones(3, 6)))
