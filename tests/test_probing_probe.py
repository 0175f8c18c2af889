"""Probes on arrays: they find what was planted, and nothing where there is nothing."""

from dataclasses import replace

import numpy as np
import pytest

from core.directions import FINDERS
from core.examples import split
from core.models import Site
from core.probing import accuracy, best_threshold, probe, random_control, shuffled_labels
from core.probing.baselines import text_baselines
from core.probing.result import best_of
from tests import reference


def site(layer: int) -> Site:
    return Site(layer, "after", f"layers.{layer}", "output")


def test_a_planted_concept_is_found_at_its_layer() -> None:
    rng = np.random.default_rng(0)
    n, d = 300, 24
    y, groups = np.arange(n) % 2, np.arange(n)
    train, test = split(y, groups)
    results = []
    for layer, strength in enumerate((0.0, 0.4, 2.0, 0.8)):
        concept = rng.standard_normal(d) / np.sqrt(d)
        X = (rng.standard_normal((n, d)) + strength * np.outer(y, concept)).astype(np.float32)
        results += [probe(site(layer), finder, X, y, groups, train, test) for finder in FINDERS.values()]
    assert best_of(tuple(results)).layer == 2
    assert best_of(tuple(results)).auroc > 0.85
    nothing = [r for r in results if r.layer == 0]
    assert all(r.auroc_ci[0] < 0.5 < r.auroc_ci[1] for r in nothing)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_random_labels_are_not_read(finder) -> None:
    """The whole procedure leaks nothing: the 95% interval covers .5 in about 95% of data sets with random labels.

    Groups of three copies with one label each: a split that tears them would give AUROC near 1.
    """
    covered = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 3)
        y = rng.permutation(np.arange(60) % 2)[groups]
        X = rng.standard_normal((60, 40))[groups] + 0.01 * rng.standard_normal((180, 40))
        train, test = split(y, groups, seed=seed)
        result = probe(site(0), finder, X, y, groups, train, test, seed=seed)
        covered.append(result.auroc_ci[0] <= 0.5 <= result.auroc_ci[1])
    # Over 150 to 400 seeds it is 94 to 95%; 41 of 50 or fewer would be beyond chance.
    assert sum(covered) >= 42, sum(covered)


def test_nothing_is_chosen_on_the_test_part() -> None:
    rng = np.random.default_rng(1)
    y, groups = np.arange(200) % 2, np.arange(200)
    X = rng.standard_normal((200, 30)) + 0.5 * y[:, None]
    train, test = split(y, groups)
    spoilt = X.copy()
    spoilt[test] = rng.standard_normal((len(test), 30))
    for finder in FINDERS.values():
        one, other = (probe(site(0), finder, values, y, groups, train, test) for values in (X, spoilt))
        assert (one.cv_auroc, one.settings) == (other.cv_auroc, other.settings)
        assert one.auroc > 0.8 > 0.7 > other.auroc


def test_best_is_chosen_by_cross_validation_and_not_by_the_test_part() -> None:
    rng = np.random.default_rng(6)
    y, groups = np.arange(80) % 2, np.arange(80)
    train, test = split(y, groups)
    plain = probe(site(3), FINDERS["diffmean"], rng.standard_normal((80, 4)), y, groups, train, test)
    lucky = replace(plain, layer=0, auroc=0.99, cv_auroc=0.6)
    sound = replace(plain, layer=1, auroc=0.80, cv_auroc=0.9)
    equal = replace(plain, layer=2, auroc=0.85, cv_auroc=0.9)
    assert best_of((lucky, equal, sound)) is sound


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_accuracy_is_of_the_test_part_with_the_train_parts_threshold(finder) -> None:
    """The classes stand far from the origin, where a threshold of 0 would call all rows the same."""
    rng = np.random.default_rng(5)
    y, groups = np.arange(200) % 2, np.arange(200)
    X = 100 + rng.standard_normal((200, 6)) + 1.5 * y[:, None]
    train, test = split(y, groups)
    result = probe(site(0), finder, X, y, groups, train, test)
    vector = finder.fit(X[train], y[train], groups=groups[train])
    scores = X @ vector
    cuts = {np.mean((scores[train] > cut) == y[train]): cut for cut in scores[train]}
    expected = np.mean((scores[test] > cuts[max(cuts)]) == y[test])
    assert 0.8 < result.accuracy < 1
    assert result.accuracy == pytest.approx(expected, abs=0.06)


def test_shuffled_labels_stay_in_their_groups() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])
    y = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0])
    seen = set()
    for seed in range(50):
        shuffled = shuffled_labels(y, groups, np.random.default_rng(seed))
        for group in (0, 1, 2, 3, 5):
            assert len(set(shuffled[groups == group])) == 1, "a group of one class was torn"
        assert sorted(shuffled[groups == 4]) == [0, 1]
        first_rows = [int(shuffled[np.flatnonzero(groups == group)[0]]) for group in (0, 1, 2, 3, 5)]
        assert sum(first_rows) == 2
        seen.add(tuple(shuffled.tolist()))
    assert len(seen) > 10


def test_controls_of_a_readable_concept_stay_near_chance() -> None:
    rng = np.random.default_rng(3)
    y, groups = np.arange(600) % 2, np.arange(600)
    X = rng.standard_normal((600, 50))
    X[:, 0] += 4 * y
    train, test = split(y, groups)
    for finder in FINDERS.values():
        result = probe(site(0), finder, X, y, groups, train, test)
        assert result.auroc > 0.95
        assert abs(result.shuffled.auroc - 0.5) < 0.06
        assert result.shuffled.runs == 5
    random = random_control((X[train], y[train]), (X[test], y[test]), seed=0)
    assert 0.5 < random.auroc < 0.75


def test_random_control_shows_a_concept_that_fills_the_space() -> None:
    rng = np.random.default_rng(4)
    y = np.arange(400) % 2
    X = rng.standard_normal((400, 8)) + 5 * y[:, None]
    control = random_control((X[:200], y[:200]), (X[200:], y[200:]), seed=0)
    assert control.auroc > 0.8


@pytest.mark.parametrize("seed", range(20))
def test_threshold_is_the_best_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 25)
    scores = np.round(rng.standard_normal(25) + y, 1 if seed % 2 else 6)
    threshold = best_threshold(y, scores)
    assert accuracy(y, scores, threshold) == pytest.approx(reference.best_accuracy(y.tolist(), scores.tolist()))


def test_threshold_of_separated_scores_lies_between_them() -> None:
    assert best_threshold(np.array([0, 1, 0, 1]), np.array([1.0, 4.0, 2.0, 5.0])) == 3.0


def test_baselines_read_the_texts_alone() -> None:
    y = np.arange(80) % 2
    groups = np.arange(80)
    train, test = split(y, groups)
    words = [f"row {i} is {'fine' if label else 'poor'}" for i, label in enumerate(y)]
    tfidf, length = text_baselines(words, y, groups, train, test, seed=0)
    assert tfidf.auroc == 1.0
    assert length.auroc == pytest.approx(0.5, abs=0.25)
    longer_negatives = ["z" * (5 + i % 3 + (0 if label else 20)) for i, label in enumerate(y)]
    _, length = text_baselines(longer_negatives, y, groups, train, test, seed=0)
    assert length.auroc == 1.0, "its sign is that of the train part"
    assert length.accuracy == 1.0
    marks = ["a b c" + ("?" if label else ".") for label in y]
    assert text_baselines(marks, y, groups, train, test, seed=0)[0].auroc == 1.0, "punctuation counts"
    blank = text_baselines([" "] * 80, y, groups, train, test, seed=0)
    assert [b.auroc for b in blank] == [0.5, 0.5]
