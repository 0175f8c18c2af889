"""Words as arrays give what scikit-learn gives; near repeats are those that comparing every pair finds."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from core.examples import open_examples
from core.examples.near import ALIKE, near_pairs
from core.examples.words import LOOKS, WORD, counts, read_words, ridge_scores, tfidf


@pytest.fixture(scope="module")
def reviews() -> tuple[list[str], np.ndarray]:
    examples = open_examples("sae-probes/92_glue_sst2", limit=400)
    return list(examples.texts), examples.labels


def test_tfidf_and_ridge_are_those_of_scikit_learn(reviews: tuple[list[str], np.ndarray]) -> None:
    texts, labels = reviews
    train, test = np.arange(0, 280), np.arange(280, 400)
    words = read_words(texts, cut=10_000)
    plain = words.word >= len(LOOKS)  # scikit-learn knows of no looks
    bare = type(words)(words.vocabulary, words.row[plain], words.word[plain], words.starts, words.plain)
    ours = tfidf(counts(bare), train)
    theirs = TfidfVectorizer(sublinear_tf=True, token_pattern=WORD.pattern)
    theirs.fit([texts[row] for row in train])
    table = theirs.transform(texts).toarray()
    dense = np.zeros(ours.shape)
    dense[ours.row, ours.word] = ours.value
    columns = [words.vocabulary.index(word) for word in theirs.get_feature_names_out()]
    np.testing.assert_allclose(dense[:, columns], table, atol=1e-12)
    known = set(columns)
    assert not any(dense[:, w].any() for w in range(ours.shape[1]) if w not in known)
    centred = labels[train] - labels[train].mean()
    fitted = Ridge(alpha=1.0, fit_intercept=False, tol=1e-12, solver="cholesky").fit(table[train], centred)
    scores = ridge_scores(ours, labels, train)
    np.testing.assert_allclose(scores[test], table[test] @ fitted.coef_, atol=1e-3)
    assert np.corrcoef(scores[test], table[test] @ fitted.coef_)[0, 1] > 0.99999


def test_looks_are_counted_like_words() -> None:
    texts = ["A dog.", "a 2nd dog", "a\ndog", "Élan “here!”", "no end" + " x" * 500 + " end."]
    words = read_words(texts, cut=100)
    seen = [{words.vocabulary[w] for w in words.word[words.row == row] if w < len(LOOKS)} for row in range(5)]
    capital, ends, broken, digit = LOOKS
    assert seen == [{capital, ends}, {digit}, {broken}, {capital, ends}, {ends}]


def overlap(one: str, other: str) -> float:
    """The Jaccard index of two texts' three-word runs, as it is defined."""
    a, b = (
        {tuple(w[i : i + 3]) for i in range(len(w) - 2)} for w in (re.findall(r"\w+", t.lower()) for t in (one, other))
    )
    return len(a & b) / len(a | b)


def test_near_repeats_are_found_as_by_comparing_every_pair() -> None:
    draw = random.Random(1)
    vocabulary = [f"w{i}" for i in range(60)]
    texts = []
    for _ in range(120):
        text = draw.choices(vocabulary, k=draw.randint(8, 40))
        twin = list(text)
        for _ in range(draw.randint(0, 6)):
            twin[draw.randrange(len(twin))] = draw.choice(vocabulary)
        texts += [" ".join(text), "  ".join(twin).upper() + "!"]
    slow = {
        pair for pair in itertools.combinations(range(len(texts)), 2) if overlap(*(texts[row] for row in pair)) >= ALIKE
    }
    quick = {tuple(pair) for pair in near_pairs(read_words(texts, cut=10_000)).tolist()}
    assert quick <= slow  # what is named is so
    missed = [pair for pair in slow - quick if overlap(*(texts[row] for row in pair)) >= ALIKE + 0.1]
    assert len(slow) > 40
    assert missed == []  # clear cases are never missed
    assert len(slow - quick) <= 0.1 * len(slow)


def test_texts_that_are_all_alike_are_paired_in_a_chain_not_all_with_all() -> None:
    texts = [f"one two three four five six seven eight nine ten eleven twelve thirteen {i}" for i in range(2_000)]
    pairs = near_pairs(read_words(texts, cut=1_000))
    assert set(pairs.ravel().tolist()) == set(range(2_000))
    assert len(pairs) <= 16 * 2 * 2_000
    assert near_pairs(read_words(["", "a", "a b", "?"], cut=10)).shape == (0, 2)
    assert near_pairs(read_words(["a b c d e f", "", "a b c d e f"], cut=10)).tolist() == [[0, 2]]
