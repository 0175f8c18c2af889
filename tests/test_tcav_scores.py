"""Scores as Captum defines them, intervals that cover, and how well a concept is read."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import UserError
from core.stats.shares import share_interval
from core.tcav.cavs import kind_named, raw_cavs, unit
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import identity
from core.tcav.intervals import bootstrap
from core.tcav.readability import plain_auroc, readability
from core.tcav.scores import scores
from tests import reference, reference_tcav

D = 12
MEANS = kind_named("diffmean")


def drawn(rng: np.random.Generator, shift: float, n: int, name: str = "it") -> Concept:
    y = np.repeat([1, 0], n)
    X = rng.standard_normal((2 * n, D))
    X[:n, 0] += shift
    return make_concept(name, [X], y, np.arange(2 * n), [1e9])


def test_scores_are_those_of_captum() -> None:
    rng = np.random.default_rng(0)
    gradients, cav = rng.standard_normal((40, D)) + 0.2, rng.standard_normal(D)
    found = scores(gradients, cav)
    assert found.sign == pytest.approx(reference_tcav.sign_count(gradients, cav), abs=1e-4)
    assert found.mean_derivative * np.linalg.norm(cav) == pytest.approx(
        reference_tcav.magnitude(gradients, cav), abs=1e-4
    )
    assert found.mean_cosine * np.linalg.norm(cav) == pytest.approx(reference_tcav.statistic(gradients, cav), abs=1e-9)
    scaled = scores(gradients * np.arange(1, 41)[:, None], 7 * cav)
    assert (scaled.sign, scaled.mean_cosine) == pytest.approx((found.sign, found.mean_cosine))


def test_a_derivative_of_nothing_counts_a_half() -> None:
    gradients = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [-1.0, 0.0]])
    found = scores(gradients, np.array([1.0, 0.0]))
    assert (found.sign, found.mean_derivative, found.mean_cosine) == (0.5, 0.0, 0.0)


def test_intervals_cover_the_score_of_the_whole_population() -> None:
    """The CAV of infinitely many examples is the first axis; the inputs' derivatives along it are known."""
    rng = np.random.default_rng(1)
    mean, covered = 0.5, {"sign": 0, "mean_derivative": 0, "mean_cosine": 0}
    many = rng.standard_normal((200_000, D)) + mean * np.eye(D)[0] * 2
    truth = scores(many, np.eye(D)[0])
    runs = 80
    for run in range(runs):
        concept, G = drawn(rng, 3.0, 40), rng.standard_normal((60, D)) + mean * np.eye(D)[0] * 2
        found = scores(G, raw_cavs(MEANS, concept.X[0], concept.y[None] == 1, identity(D))[0])
        of = bootstrap(concept, 0, MEANS, identity(D), {"t": G}, np.arange(60), {"t": found}, resamples=300, seed=run)[
            "t"
        ]
        covered["sign"] += of.sign[0] <= truth.sign <= of.sign[1]
        covered["mean_derivative"] += of.mean_derivative[0] <= truth.mean_derivative <= of.mean_derivative[1]
        covered["mean_cosine"] += of.mean_cosine[0] <= truth.mean_cosine <= of.mean_cosine[1]
    # 95% of 80 are 76; percentile bootstraps of 40 to 60 rows are known to run a little narrow.
    assert min(covered.values()) >= 68, covered


def test_shares_say_where_the_variance_comes_from() -> None:
    rng = np.random.default_rng(2)
    concept = drawn(rng, 1.0, 40)
    quiet = concept.X[0].copy()
    quiet[:40] = quiet[0]  # all positives the same: nothing varies there
    still = Concept("still", (quiet,), concept.y, concept.groups, {})
    G = rng.standard_normal((50, D))
    found = {"t": scores(G, np.eye(D)[0])}
    of = bootstrap(still, 0, MEANS, identity(D), {"t": G}, np.arange(50), found, resamples=300)["t"]
    assert of.shares["positives"] == pytest.approx(0.0, abs=1e-12)
    assert sum(of.shares.values()) == pytest.approx(1.0)
    assert min(of.shares["negatives"], of.shares["inputs"]) > 0.02
    one = bootstrap(still, 0, MEANS, identity(D), {"t": G}, np.zeros(50), found, resamples=300)["t"]
    assert one.shares["inputs"] == pytest.approx(0.0, abs=1e-12), "inputs of one group are drawn together"


def test_pairs_are_drawn_together() -> None:
    """Twins that differ in one dimension alone: whichever pairs are drawn, the CAV is the same."""
    rng = np.random.default_rng(3)
    base = rng.standard_normal((30, D)) * 50
    X = np.concatenate([base + np.eye(D)[0], base])
    concept = Concept("twins", (X,), np.repeat([1, 0], 30), np.tile(np.arange(30), 2), {})
    G = rng.standard_normal((20, D))
    found = {"t": scores(G, np.eye(D)[0])}
    of = bootstrap(concept, 0, MEANS, identity(D), {"t": G}, np.zeros(20), found, resamples=100)["t"]
    assert of.mean_derivative == pytest.approx((found["t"].mean_derivative,) * 2, abs=1e-9)


@pytest.mark.parametrize("name", ["diffmean", "logistic"])
def test_auroc_is_that_of_folds_done_by_hand(name: str) -> None:
    from core.directions.prepared import inner_folds

    rng = np.random.default_rng(4)
    concept, kind = drawn(rng, 1.2, 30), kind_named(name)
    found = readability(concept, 0, kind, identity(D), permutations=99)
    wins = pairs = 0.0
    for train, test in inner_folds(concept.y, concept.groups, k=5, seed=0):
        cav = raw_cavs(kind, concept.X[0][train], concept.y[None, train] == 1, identity(D))[0]
        y = concept.y[test].tolist()
        of = sum(y) * (len(y) - sum(y))
        wins, pairs = wins + reference.auroc(y, (concept.X[0][test] @ cav).tolist()) * of, pairs + of
    assert found.auroc == pytest.approx(wins / pairs)
    assert found.auroc == plain_auroc(concept, 0, kind, identity(D))
    assert found.ci[0] < found.auroc < found.ci[1]
    assert found.p == pytest.approx(0.01)


def test_what_cannot_be_read_is_called_readable_at_the_level() -> None:
    rng = np.random.default_rng(5)
    said, aurocs = 0, []
    for run in range(200):
        concept = drawn(rng, 0.0, 12)
        found = readability(concept, 0, MEANS, identity(D), permutations=39, seed=run)
        said, aurocs = said + (found.p <= 0.05), [*aurocs, found.auroc]
    assert 3 <= said <= 19  # 99% of a binomial of 200 at .05
    assert np.mean(aurocs) == pytest.approx(0.5, abs=0.03)


def test_rows_that_cannot_be_used_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(6)
    X = [rng.standard_normal((20, D)), rng.standard_normal((20, D))]
    X[0][3] = np.nan
    X[1][5] *= 100
    concept = make_concept("it", X, np.arange(20) % 2, np.arange(20), [np.sqrt(D)] * 2, left_out={"shared": 2})
    assert concept.left_out == {"shared": 2, "nothing to pool": 1, "sinks": 1}
    assert all(
        np.array_equal(kept, part[np.delete(np.arange(20), [3, 5])]) for kept, part in zip(concept.X, X, strict=True)
    )
    with pytest.raises(UserError, match=r"only 3 independent positives .* 17 left out"):
        make_concept("it", [np.r_[X[0][:3], np.full((17, D), np.nan)]], np.ones(20), np.arange(20), [9.0])
    with pytest.raises(UserError, match="1 independent negatives"):
        make_concept("it", X[1:], np.repeat([1, 0], 10), np.r_[np.arange(10), [99] * 10], [1e9])


def test_unit_vectors() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))


def test_a_unanimous_sign_has_an_interval() -> None:
    rng = np.random.default_rng(7)
    concept, G = drawn(rng, 6.0, 60), 0.1 * rng.standard_normal((30, D)) + np.eye(D)[0]
    for side in (1, -1):
        found = {"t": scores(side * G, raw_cavs(MEANS, concept.X[0], concept.y[None] == 1, identity(D))[0])}
        for groups, independent in ((np.arange(30), 30), (np.arange(30) // 3, 10)):
            of = bootstrap(concept, 0, MEANS, identity(D), {"t": side * G}, groups, found, resamples=100)["t"]
            bound = share_interval(independent, independent)[0]
            assert of.sign == pytest.approx((bound, 1.0) if side == 1 else (0.0, 1 - bound))
