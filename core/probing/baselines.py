"""Baselines: what the texts alone give away, without any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.directions.prepared import inner_folds
from core.probing.threshold import accuracy, best_threshold
from core.stats import auroc, auroc_interval, auroc_leads

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# Punctuation counts: a question mark or an exclamation mark is often all that a model needs.
WORD = r"\w+|[^\w\s]"
STRENGTHS = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Baseline:
    """What needs no deep layer, on the same split. auroc, auroc_ci (95%) and accuracy: 0-1, of the test part.

    lead_ci: 95% interval, -1 to 1, of the best probe's AUROC minus this one's, from the same resamples of the test
    part. Above 0: the probe tells more. None: not measured (for `majority`, and before it was kept), or nothing can be
    told, as where both are perfect (see `core.stats.differences`).
    """

    name: str
    title: str
    auroc: float
    auroc_ci: tuple[float, float]
    accuracy: float
    lead_ci: tuple[float, float] | None = None


def text_baselines(
    texts: Sequence[str], y: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray, *, seed: int
) -> tuple[Baseline, ...]:
    """TF-IDF with logistic regression, and length alone. They see whole texts, also what a model cuts off.

    texts: n; y, groups: (n,); train, test: their rows.
    """
    return tuple(one for one, _ in scored_baselines(texts, y, groups, train, test, seed=seed))


def with_leads(
    baselines: Sequence[tuple[Baseline, np.ndarray]], probe: np.ndarray, y: np.ndarray, groups: np.ndarray, *, seed: int
) -> tuple[Baseline, ...]:
    """Baselines, of which each stands beside its scores of the test part, with `lead_ci`.

    probe: scores (m,) of the probe that they are held against; y, groups: (m,), of the test part.
    """
    lines = np.stack([probe, *(scores for _, scores in baselines)])
    leads = auroc_leads(y, lines, groups=groups, seed=seed)
    return tuple(replace(one, lead_ci=lead) for (one, _), lead in zip(baselines, leads, strict=True))


def scored_baselines(
    texts: Sequence[str], y: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray, *, seed: int
) -> tuple[tuple[Baseline, np.ndarray], ...]:
    """`text_baselines`, each with its scores of the test part (m,)."""
    lengths = np.array([len(text) for text in texts], dtype=float)
    if auroc(y[train], lengths[train]) < 0.5:
        lengths = -lengths
    words = _tfidf_scores(texts, y, groups, train, seed)
    return tuple(
        (
            Baseline(
                name,
                title,
                auroc(y[test], scores[test]),
                auroc_interval(y[test], scores[test], groups=groups[test], seed=seed),
                accuracy(y[test], scores[test], best_threshold(y[train], scores[train])),
            ),
            scores[test],
        )
        for name, title, scores in (
            ("tfidf", "Words alone (TF-IDF, logistic regression)", words),
            ("length", "Number of characters alone", lengths),
        )
    )


def majority_baseline(y_train: np.ndarray, y_test: np.ndarray) -> Baseline:
    """Always naming the train part's larger class: it ranks nothing, so its AUROC is .5."""
    majority = int(2 * y_train.sum() >= len(y_train))
    return Baseline("majority", "The larger class", 0.5, (0.5, 0.5), float(np.mean(y_test == majority)))


def _tfidf_scores(texts: Sequence[str], y: np.ndarray, groups: np.ndarray, train: np.ndarray, seed: int) -> np.ndarray:
    """Logits (n,) of a logistic regression on words, punctuation and pairs of them, fitted on the train rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second, and readers of results need none

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
    if not any(text.strip() for text in (texts[i] for i in train)):
        return np.zeros(len(texts))
    words.fit([texts[i] for i in train])
    Z = words.transform(texts)
    parts = inner_folds(y[train], groups[train], k=5, seed=seed)
    means = []
    for c in STRENGTHS:
        scores = []
        for a, b in parts:
            fitted = _regression(c, seed).fit(Z[train[a]], y[train[a]])
            scores.append(auroc(y[train[b]], fitted.decision_function(Z[train[b]])))
        means.append(float(np.mean(scores)) if scores else 0.0)
    return _regression(STRENGTHS[int(np.argmax(means))], seed).fit(Z[train], y[train]).decision_function(Z)


def _regression(c: float, seed: int) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, solver="liblinear", random_state=seed)
