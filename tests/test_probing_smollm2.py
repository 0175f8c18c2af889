"""A real concept in the real bundled model."""

from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.activations import record_texts
from core.directions.logistic import STRENGTHS
from core.examples import folds, open_examples, split
from core.models import Model
from core.probing import sweep


@pytest.mark.slow
def test_sentiment_is_read_beyond_words_as_a_plain_pipeline_reads_it(smollm2: Model, home_with_model: Path) -> None:
    examples = open_examples("sae-probes/92_glue_sst2", limit=500)
    found = sweep(smollm2, examples, [2, 15])
    best, tfidf = found.best, found.baselines[0]
    assert best.layer == 15, "words are read early, their meaning in the middle"
    assert best.auroc > 0.8
    assert best.auroc > tfidf.auroc > 0.5
    assert abs(best.shuffled.auroc - 0.5) < 0.1
    (store,) = record_texts(smollm2, examples.texts, [smollm2.site(15)])
    assert store.cached
    X, y = store.load().astype(float), examples.labels
    train, test = split(y, examples.groups)
    plain = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=folds(y[train], examples.groups[train]),
            scoring="roc_auc",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
            tol=1e-6,
            max_iter=2000,
        ),
    ).fit(X[train], y[train])
    ours = next(result for result in found.results if (result.layer, result.method) == (15, "logistic"))
    assert ours.auroc == pytest.approx(roc_auc_score(y[test], plain.decision_function(X[test])), abs=0.005)
