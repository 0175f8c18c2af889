"""Features for a concept: chosen on one half of its texts and tested on the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from core.dictionaries.index.active import active_in
from core.dictionaries.index.concept import DIFFERENCE, features_for
from core.errors import UserError
from core.examples import from_lists
from core.models import Model
from tests.test_dictionaries_features import of_words
from tests.test_dictionaries_index import bound, make_texts, topk


def test_the_concepts_feature_is_found_and_tested_on_other_texts(home: Path, tiny: Model) -> None:
    with_word = [f"{text} evening" for text in make_texts(60, seed=1)]
    without = [text.replace("evening", "morning") for text in make_texts(60, seed=2)]
    examples = from_lists(with_word, without, "evening")
    found = features_for(tiny, of_words(tiny), examples)
    assert found.best.feature == found.features[0].feature == 0
    assert found.best.auroc == found.best.train_auroc == 1
    assert found.best.p == pytest.approx(1e-4)
    assert found.best.p_adjusted == pytest.approx(found.tested * 1e-4)
    assert found.n_train + found.n_test == 120
    assert set(found.best.cosines) == {DIFFERENCE}
    assert found.best.cosines[DIFFERENCE] == max(one.cosines[DIFFERENCE] for one in found.features)
    with pytest.raises(UserError, match="is on in 5"):
        features_for(tiny, of_words(tiny), from_lists(["was a", "far a", "far b", "x y"], ["z a", "z b", "z c", "q r"]))


def test_a_feature_that_is_alike_in_all_held_out_texts_tells_nothing(home: Path, tiny: Model) -> None:
    from core.examples import split

    texts = [text.replace("evening", "morning") for text in make_texts(60, seed=2)]
    labels, groups = from_lists(texts[:30], texts[30:], "evening").labels, np.arange(60)
    train, _ = split(labels, groups, test_share=0.5, seed=0)
    chosen = {int(row) for row in train if labels[row] == 1}
    texts = [f"{text} evening" if row in chosen else text for row, text in enumerate(texts)]
    made = from_lists(texts[:30], texts[30:], "evening")
    assert set(split(made.labels, made.groups, test_share=0.5, seed=0)[0].tolist()) == set(train.tolist())
    found = features_for(tiny, of_words(tiny), made)
    assert (found.best.feature, found.best.auroc, found.best.interval) == (0, 0.5, (0.0, 1.0))
    assert found.best.p == 1
    others = [one for one in found.features if one.feature]
    assert others
    assert all(one.interval != (0.0, 1.0) for one in others)


def test_p_values_of_a_set_without_a_concept_are_those_of_a_rank_test(home: Path, tiny: Model) -> None:
    texts = make_texts(160, seed=3)
    examples = from_lists(texts[:80], texts[80:], "nothing")
    found = features_for(tiny, bound(tiny, topk()), examples)
    codes = np.stack([_peaks(tiny, text) for text in examples.texts])
    from core.examples import split

    _, test = split(examples.labels, examples.groups, test_share=0.5, seed=0)
    y = examples.labels[test]
    for one in found.features:
        own = codes[test, one.feature]
        wanted = mannwhitneyu(own[y == 1], own[y == 0], alternative="greater")
        assert one.auroc == pytest.approx(wanted.statistic / (y.sum() * (1 - y).sum()), abs=1e-3)
        assert one.p == pytest.approx(wanted.pvalue, abs=0.03)
    assert min(one.p_adjusted for one in found.features) > 0.01


def _peaks(model: Model, text: str) -> np.ndarray:
    read = active_in(model, bound(model, topk()), text)
    found = np.zeros(topk().n_features)
    np.maximum.at(found, read.features, read.values)
    return found
