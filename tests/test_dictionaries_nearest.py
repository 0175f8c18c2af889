"""Nearest directions against a full sort of all cosines, whatever the size of the blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import core.dictionaries.nearest as room
from core.dictionaries.nearest import nearest


@pytest.mark.parametrize("block", [7, 64, 4096])
@pytest.mark.parametrize(("m", "k"), [(24, 5), (130, 10), (200, 199), (300, 3)])
def test_they_are_those_of_a_full_sort(m: int, k: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BLOCK", block)  # the last one shorter
    chance = torch.Generator().manual_seed(m)
    centres = torch.randn(12, 24, generator=chance)
    rows = centres[torch.randint(12, (m,), generator=chance)] + 0.3 * torch.randn(m, 24, generator=chance)
    rows *= torch.rand(m, 1, generator=chance) + 0.5  # lengths must not count
    ids, cosines = nearest(rows, k)
    unit = torch.nn.functional.normalize(rows.double(), dim=1)
    full = (unit @ unit.T).numpy()
    np.fill_diagonal(full, -2)
    order = np.argsort(-full, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(cosines, np.take_along_axis(full, order, 1), atol=1e-6)


@pytest.mark.parametrize("block", [7, 64, 4096])
def test_of_equals_the_lower_number(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the best stand in blocks that come later, and equals in blocks that come first."""
    monkeypatch.setattr(room, "BLOCK", block)
    rows = torch.zeros(400, 4)
    rows[:, 0] = 1.0
    rows[300] = torch.tensor([1.0, 1.0, 0.0, 0.0])
    rows[310] = torch.tensor([1.0, 1.0, 0.0, 0.0])
    rows[77] = 0.0
    ids, cosines = nearest(rows, 4)
    np.testing.assert_array_equal(ids[300], [310, 0, 1, 2])
    np.testing.assert_array_equal(ids[0], [1, 2, 3, 4])
    np.testing.assert_array_equal(ids[399], [0, 1, 2, 3])
    np.testing.assert_array_equal(ids[77], [0, 1, 2, 3])
    np.testing.assert_array_equal(cosines[77], 0)


@pytest.mark.parametrize("m", [0, 1, 2])
def test_there_may_be_fewer_than_are_asked_for(m: int) -> None:
    ids, cosines = nearest(torch.ones(m, 3), 10)
    assert ids.shape == cosines.shape == (m, max(0, m - 1))
