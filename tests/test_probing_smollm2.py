"""A real concept in the real bundled model."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from core.activations import record_texts
from core.directions import usable_rows
from core.directions.logistic import STRENGTHS
from core.examples import Examples, folds, open_examples, split
from core.models import Model
from core.probing import sweep
from core.tcav.controls import control_ids


@pytest.mark.slow
def test_sentiment_is_read_beyond_words_as_a_plain_pipeline_reads_it(smollm2: Model, home_with_model: Path) -> None:
    examples = open_examples("sae-probes/92_glue_sst2", limit=500)
    found = sweep(smollm2, examples, [2, 15])
    best, tfidf = found.best, found.baselines[0]
    assert best.layer == 15, "words are read early, their meaning in the middle"
    assert best.auroc > 0.8
    assert best.auroc > tfidf.auroc > 0.5
    assert abs(best.shuffled.auroc - 0.5) < 0.1
    ours = next(result for result in found.results if (result.layer, result.method) == (15, "logistic"))
    assert ours.auroc == pytest.approx(plainly_read(smollm2, examples, 15), abs=0.005)


@pytest.mark.slow
def test_twenty_sets_are_read_as_a_plain_pipeline_reads_them(smollm2: Model, home_with_model: Path) -> None:
    far = {}
    for id in control_ids(20):
        examples = open_examples(id, limit=200)
        (ours,) = sweep(smollm2, examples, [14], methods=["logistic"]).results
        far[id] = abs(ours.auroc - plainly_read(smollm2, examples, 14))
    assert len(far) == 20
    assert {id: distance for id, distance in far.items() if distance > 0.005} == {}


def plainly_read(model: Model, examples: Examples, layer: int) -> float:
    """AUROC on the test part of what scikit-learn alone makes of the same stored activations."""
    (store,) = record_texts(model, examples.texts, [model.site(layer)])
    assert store.cached
    rows = usable_rows([store.load()], examples)
    X, y, groups = rows.X[0].astype(float), rows.y, rows.groups
    train, test = split(y, groups)
    plain = plain_pipeline(X[train], y[train], groups[train])
    return float(roc_auc_score(y[test], plain.decision_function(X[test])))


def plain_pipeline(X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Pipeline:
    """What scikit-learn alone makes of the train part: standardised, the penalty by grouped cross-validation."""
    penalised = LogisticRegressionCV(
        Cs=STRENGTHS,
        cv=folds(y, groups),
        scoring="roc_auc",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
        tol=1e-6,
        max_iter=2000,
    )
    return make_pipeline(StandardScaler(), penalised).fit(X, y)
