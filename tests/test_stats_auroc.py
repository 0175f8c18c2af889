"""AUROC equals the count over all pairs and scikit-learn's, ties included, and refuses what has none."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import UserError
from core.stats import auroc
from tests import reference


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels with both classes, and scores with many, few or no ties."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.r_[0, 1, rng.integers(2, size=rng.integers(1, 60))])
    return labels, np.round(rng.normal(size=len(labels)) + labels * rng.uniform(-1, 3), int(rng.integers(0, 4)))


@pytest.mark.parametrize("seed", range(60))
def test_equals_scikit_learn_and_the_count_over_all_pairs(seed: int) -> None:
    labels, scores = random_case(seed)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert auroc(labels, scores) == reference.auroc(labels, scores)


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),  # three of four pairs, counted by hand
        ([0, 1], [2, 2], 0.5),
        ([0, 0, 1, 1], [1, 2, 2, 3], 0.875),  # (1 + 0.5 + 1 + 1) / 4
        ([1, 0], [np.inf, -np.inf], 1.0),
        ([False, True], [1.0, 0.0], 0.0),
    ],
)
def test_values_counted_by_hand(labels: list, scores: list, expected: float) -> None:
    assert auroc(labels, scores) == expected


def test_flipped_labels_and_flipped_scores_mirror_it() -> None:
    labels, scores = random_case(7)
    assert auroc(1 - labels, scores) == pytest.approx(1 - auroc(labels, scores), abs=1e-15)
    assert auroc(labels, -scores) == pytest.approx(1 - auroc(labels, scores), abs=1e-15)


def test_what_has_no_auroc_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="one class"):
        auroc([1, 1, 1], [1, 2, 3])
    with pytest.raises(UserError, match=r"1 of 3 scores are not a number \(the first in row 2\)"):
        auroc([1, 0, 1], [1, 2, np.nan])
    with pytest.raises(ValueError, match="same length"):
        auroc([1, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="0 or 1"):
        auroc([1, 2], [1, 2])
