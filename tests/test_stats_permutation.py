"""Labels dealt anew: every labelling that could have been is equally likely, groups stay whole, p-values hold."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import pytest

from core.stats.permutation import mean_differences, p_value, permuted_labels
from tests.reference_tcav import mean_difference


def test_every_labelling_is_equally_likely() -> None:
    found = permuted_labels([1, 1, 1, 0, 0, 0], range(6), 20_000)
    counts = Counter(map(bytes, found.astype(np.uint8)))
    assert len(counts) == comb(6, 3)
    # chi-square of 19 degrees of freedom; its .9999 quantile is 51
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 51


def test_groups_keep_one_label_and_pairs_deal_within_themselves() -> None:
    labels = np.array([1, 1, 0, 0, 0, 1, 1, 0])
    groups = np.array([7, 7, 3, 3, 3, 5, 9, 9])  # 9 holds both classes
    found = permuted_labels(labels, groups, 600)
    assert (found[:, 0] == found[:, 1]).all()
    assert (found[:, 2] == found[:, 3]).all()
    assert (found[:, 3] == found[:, 4]).all()
    assert (found[:, 6] != found[:, 7]).all()
    assert 200 < found[:, 6].sum() < 400
    # of the three groups of one class, two are positive in every labelling
    assert (found[:, [0, 2, 5]].sum(axis=1) == 2).all()
    assert len({bytes(row) for row in found[:, [0, 2, 5]].astype(np.uint8)}) == 3


def test_strata_keep_their_number_of_positives() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = permuted_labels(labels, range(8), 300, within=strata)
    assert (found[:, :4].sum(axis=1) == 3).all()
    assert (found[:, 4:].sum(axis=1) == 1).all()
    assert len({bytes(row) for row in found.astype(np.uint8)}) == 16
    with pytest.raises(ValueError, match="two strata"):
        permuted_labels(labels, [0, 1, 2, 3, 3, 5, 6, 7], 3, within=strata)


def test_the_seed_decides_and_long_lists_come_in_parts() -> None:
    labels, groups = np.arange(3000) % 2, np.arange(3000)
    first = permuted_labels(labels, groups, 1500, seed=4)
    assert np.array_equal(first, permuted_labels(labels, groups, 1500, seed=4))
    assert not np.array_equal(first, permuted_labels(labels, groups, 1500, seed=5))
    assert (first.sum(axis=1) == 1500).all()
    assert len({bytes(row) for row in first.astype(np.uint8)}) == 1500


def test_differences_of_means_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.standard_normal((9, 4)), rng.random((5, 9)) < 0.5
    labels[:, 0], labels[:, 1] = True, False
    found = mean_differences(labels, rows)
    expected = [mean_difference(rows, list(line)) for line in labels]
    assert found == pytest.approx(np.stack(expected), abs=1e-12)


def test_p_counts_the_observed_one_and_ties_up_to_rounding() -> None:
    assert p_value(2.0, np.array([0.0, 1.0, 2.0, 3.0])) == pytest.approx(3 / 5)
    assert p_value(0.1 + 0.2, np.array([0.3, 0.0])) == pytest.approx(2 / 3)
    assert p_value(9.0, np.zeros(999)) == pytest.approx(0.001)
    both = p_value(np.array([2.0, 0.0]), np.array([[1.0, 1.0], [3.0, 1.0]]))
    assert both == pytest.approx([2 / 3, 1.0])


def test_p_is_uniform_where_there_is_nothing_to_find() -> None:
    rng = np.random.default_rng(1)
    found = []
    for run in range(400):
        rows, labels = rng.standard_normal((24, 1)) ** 3, np.arange(24) < 8
        groups = np.arange(24) // 2 if run % 2 else np.arange(24)
        dealt = permuted_labels(labels, groups, 199, seed=run)
        values = np.abs(mean_differences(np.concatenate([labels[None], dealt]), rows)[:, 0])
        found.append(float(p_value(values[0], values[1:])))
    assert 10 <= sum(p <= 0.05 for p in found) <= 32  # 99% of a binomial of 400 at .05
    assert 0.46 < np.mean(found) < 0.55


def test_differences_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    labels, values = permuted_labels(np.arange(20) % 2, range(20), 50), rng.standard_normal((20, 3))
    whole = mean_differences(labels, values)
    sizes: list[int] = []
    monkeypatch.setattr("core.stats.permutation._CELLS", 20 * 7)

    class Watched(np.ndarray):
        def astype(self, *arguments: object, **more: object) -> np.ndarray:
            sizes.append(len(self))
            return np.asarray(self).astype(*arguments, **more)  # type: ignore[call-overload]

    assert mean_differences(labels.view(Watched), values) == pytest.approx(whole, abs=1e-12)
    assert max(sizes) == 7, "never all of them at once"
    assert len(mean_differences(labels[:0], values)) == 0
