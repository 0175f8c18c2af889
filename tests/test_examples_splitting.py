"""Splits keep groups whole and classes in proportion, and say so when they cannot."""

import numpy as np
import pytest

from core.errors import UserError
from core.examples import folds, split
from core.examples.grouping import group_rows
from tests import reference


def random_rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """300 rows in groups of 1 to 12 of which some hold both classes."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(300), rng.choice([1, 1, 1, 2, 12], size=300))[:300]
    labels = (rng.random(300)[groups] < 0.3) ^ (rng.random(300) < 0.05)
    return labels.astype(int), rng.permutation(300)[groups]


@pytest.mark.parametrize("seed", range(20))
def test_a_split_is_whole_grouped_and_stratified(seed: int) -> None:
    labels, groups = random_rows(seed)
    train, test = split(labels, groups, test_share=0.3, seed=seed)
    assert sorted([*train, *test]) == list(range(300))
    assert not set(groups[train]) & set(groups[test])
    for label in (0, 1):
        share = (labels[test] == label).sum() / (labels == label).sum()
        assert share == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("seed", range(20))
def test_folds_are_whole_grouped_and_stratified(seed: int) -> None:
    labels, groups = random_rows(seed)
    parts = folds(labels, groups, k=5, seed=seed)
    assert sorted(row for _, test in parts for row in test) == list(range(300))
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(300))
        assert not set(groups[train]) & set(groups[test])
        for label in (0, 1):
            assert (labels[test] == label).sum() / (labels == label).sum() == pytest.approx(0.2, abs=0.06)


def test_large_groups_do_not_gather_in_the_training_part() -> None:
    sizes = np.tile([1, 1, 1, 2, 3], 60)
    groups, labels = np.repeat(np.arange(300), sizes), np.repeat(np.tile([0, 1], 150), sizes)
    _, test = split(labels, groups, test_share=0.3)
    repeats = np.bincount(groups)[groups] > 1
    assert repeats[test].mean() == pytest.approx(repeats.mean(), abs=0.05)


def test_the_seed_decides() -> None:
    labels, groups = random_rows(0)
    one, again, other = (split(labels, groups, seed=seed)[1].tolist() for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize("rows", [4, 5, 6, 10])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_few_rows_still_give_both_classes_to_both_parts(rows: int, share: float) -> None:
    labels = np.arange(rows) % 2
    for part in split(labels, np.arange(rows), test_share=share):
        assert set(labels[part]) == {0, 1}


@pytest.mark.parametrize("seed", range(100))
def test_whatever_has_enough_groups_of_each_class_can_be_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(rng.integers(2, 9), size=rng.integers(4, 25))
    labels = rng.integers(2, size=len(groups))
    enough = min(len(set(groups[labels == label])) for label in (0, 1))
    if enough < 2:
        with pytest.raises(UserError):
            split(labels, groups)
        return
    parts = [*split(labels, groups, test_share=0.1), *(test for _, test in folds(labels, groups, k=enough))]
    for part in parts:
        assert set(labels[part]) == {0, 1}


def test_what_cannot_be_split_is_told() -> None:
    with pytest.raises(UserError, match="1 different positive texts or groups"):
        split([1, 1, 0, 0], [0, 0, 1, 2])
    with pytest.raises(UserError, match="4 different negative texts or groups, too few to have one in each of 5"):
        folds([1] * 6 + [0] * 4, range(10))
    with pytest.raises(UserError, match="share between 0 and 1"):
        split([0, 1], [0, 1], test_share=1)


@pytest.mark.parametrize("seed", range(10))
def test_groups_equal_those_joined_pair_by_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = [f"text {'  ' if row % 2 else ''}{rng.integers(20)}" for row in range(30)]
    own = [str(number) if number else "" for number in rng.integers(8, size=30)]
    groups = group_rows(texts, own)
    ours = sorted([set(np.flatnonzero(groups == group).tolist()) for group in set(groups.tolist())], key=min)
    assert ours == reference.groups_of_rows(texts, own)
    assert groups[0] == 0


def test_the_same_text_in_another_dress_is_one_group() -> None:
    texts = ["Caf\u00e9 au lait", "cafe\u0301  AU\tlait\n", "Cafe au lait", "\u00a0caf\u00e9 au\u2003lait"]
    assert group_rows(texts).tolist() == [0, 0, 1, 0]
