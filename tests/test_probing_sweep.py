"""Sweeps on a tiny real model: shape of the result, cache, refusals."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.directions import Logistic, make_direction
from core.errors import UserError
from core.examples import Examples, from_lists
from core.models import Model, open_model
from core.probing import Sweep, cached_sweep, read_probe, sweep, sweep_from_json
from core.progress import Progress
from core.stats import auroc, auroc_leads
from tests.tiny import tiny_directory

NOUNS = ("film", "food", "room", "letter", "river", "city", "day", "music", "rain", "street", "teacher", "station")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_model(str(tiny_directory(tmp_path_factory.mktemp("models"), "llama")))


@pytest.fixture(scope="module")
def examples() -> Examples:
    positives = [f"The {a} and the {b} were good." for a in NOUNS for b in NOUNS[:3]]
    negatives = [f"The {a} and the {b} were bad." for a in NOUNS for b in NOUNS[3:6]]
    return from_lists([*positives, "x"], negatives, name="good or bad")


@pytest.fixture(scope="module")
def found(model: Model, examples: Examples) -> Sweep:
    return sweep(model, examples, [0, 2, 3])


def test_every_layer_and_method_has_a_row(found: Sweep) -> None:
    assert [(r.layer, r.method) for r in found.results] == [(n, m) for n in (0, 2, 3) for m in ("logistic", "diffmean")]
    assert found.left_out == 1
    for r in found.results:
        assert r.n_train + r.n_test == 72
        assert r.auroc_ci[0] <= r.auroc <= r.auroc_ci[1]
        assert r.random.lowest <= r.random.auroc <= r.random.highest
    assert found.best.auroc > 0.9
    assert found.majority_accuracy == pytest.approx(0.5, abs=0.1)
    tfidf, _, layer0, majority = found.baselines
    assert tfidf.auroc > 0.95, "one word gives it away"
    assert [one.name for one in found.baselines] == ["tfidf", "length", "layer0", "majority"]
    assert layer0.auroc == max(found.results[:2], key=lambda r: r.cv_auroc).auroc, "layer 0 is among the layers"
    assert (majority.auroc, majority.accuracy) == (0.5, found.majority_accuracy)


def test_baselines_tell_how_far_the_best_probe_lies_above_them(found: Sweep, model: Model, examples: Examples) -> None:
    """From the same rows, by refitting: the probe and block 0 as `read_probe` has them, words as the baseline does."""
    best, (tfidf, length, layer0, majority) = found.best, found.baselines
    reading = read_probe(model, examples, best.layer, best.method)
    first = max(found.results[:2], key=lambda r: r.cv_auroc)
    below = read_probe(model, examples, 0, first.method)
    y, groups, test = reading.y, reading.groups, reading.test
    texts = [examples.texts[row] for row in reading.kept]
    lengths = np.array([len(text) for text in texts], dtype=float)
    lengths *= np.sign(auroc(y[reading.train], lengths[reading.train]) - 0.5)
    scores = np.stack([reading.scores[test], lengths[test], below.scores[test]])
    expected = auroc_leads(y[test], scores, groups=groups[test])
    assert length.lead_ci == pytest.approx(expected[0])
    assert length.lead_ci[0] > 0, "characters tell less than the probe"
    assert (layer0.lead_ci is None) == (expected[1] is None)
    assert (tfidf.auroc, best.auroc, tfidf.lead_ci) == (1, 1, None) or tfidf.lead_ci is not None
    assert majority.lead_ci is None


def test_a_sweep_of_before_there_were_leads_still_opens(found: Sweep) -> None:
    value = found.to_json()
    for one in value["baselines"]:
        del one["lead_ci"]
    again = sweep_from_json(value)
    assert [one.auroc_ci for one in again.baselines] == [one.auroc_ci for one in found.baselines]
    assert [one.lead_ci for one in again.baselines] == [None] * 4


def test_json_has_the_promised_keys(found: Sweep) -> None:
    value = found.to_json()
    assert {"results", "best", "seconds", "cached"} <= set(value)
    for result in (*value["results"], value["best"]):
        assert {"layer", "method", "auroc", "auroc_ci", "accuracy", "n_train", "n_test", "cv_auroc"} <= set(result)
        assert {"shuffled_auroc", "random_auroc"} <= set(result)
        assert isinstance(result["auroc_ci"], list)
    workspace.digest(value)


def test_a_second_call_comes_from_the_cache_and_leaves_the_model_alone(
    found: Sweep, model: Model, examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.network, "forward", _never)
    monkeypatch.setattr("core.activations.extract.record_texts", _never)
    again = sweep(model, examples, [0, 2, 3])
    assert again.cached
    assert not found.cached
    assert (again.results, again.best, again.baselines) == (found.results, found.best, found.baselines)
    assert again.to_json() | {"seconds": 0, "cached": 0} == found.to_json() | {"seconds": 0, "cached": 0}


def _never(*_: object, **__: object) -> None:
    raise AssertionError("something was computed")


def test_everything_that_changes_the_numbers_changes_the_key(
    found: Sweep, model: Model, examples: Examples, tmp_path: Path
) -> None:
    assert cached_sweep(model, examples, [0, 2, 3]) is not None
    other_model = open_model(str(tiny_directory(tmp_path, "llama", seed=1)))
    flipped = from_lists(list(examples.texts[40:]), list(examples.texts[:40]))
    for changed in (
        cached_sweep(other_model, examples, [0, 2, 3]),
        cached_sweep(model, flipped, [0, 2, 3]),
        cached_sweep(model, examples, [0, 2]),
        cached_sweep(model, examples, [0, 2, 3], methods=["diffmean"]),
        cached_sweep(model, examples, [0, 2, 3], methods=[Logistic(folds=3), "diffmean"]),
        cached_sweep(model, examples, [0, 2, 3], pool="last"),
        cached_sweep(model, examples, [0, 2, 3], max_length=8),
        cached_sweep(model, examples, [0, 2, 3], seed=1),
    ):
        assert changed is None


def test_all_layers_are_recorded_in_one_pass(model: Model, examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    inner = model.network.model.layers[0].forward
    monkeypatch.setattr(
        model.network.model.layers[0], "forward", lambda *a, **k: (passes.append(a[0].shape[0]), inner(*a, **k))[1]
    )
    sweep(model, examples, [0, 1, 2, 3], max_length=64, methods=["diffmean"])
    assert sum(passes) == len(examples.texts)


def test_a_direction_is_scored_as_its_probe_is(found: Sweep, model: Model, examples: Examples) -> None:
    probe = next(r for r in found.results if (r.layer, r.method) == (2, "logistic"))
    made = make_direction(model, examples, model.site(2), "logistic", name="good")
    assert made.auroc == probe.auroc
    assert tuple(made.provenance["held_out"]["interval"]) == probe.auroc_ci


def test_progress_counts_probes(model: Model, examples: Examples) -> None:
    heard: list[Progress] = []
    sweep(model, examples, [1, 2], methods=["diffmean"], seed=9, progress=heard.append)
    probes = [(p.done, p.total) for p in heard if p.unit == "probes"]
    assert probes == [(0, 3), (1, 3), (2, 3), (3, 3)], "block 0 too, the control"


def test_a_damaged_result_is_computed_anew(model: Model, examples: Examples) -> None:
    first = sweep(model, examples, [1], methods=["diffmean"], seed=4)
    for path in workspace.place("results", "x").parent.glob("*.json"):
        if '"seed": 4' in path.read_text():
            path.write_text(path.read_text()[:100])
    again = sweep(model, examples, [1], methods=["diffmean"], seed=4)
    assert not again.cached
    assert again.results == first.results


@pytest.mark.parametrize(
    ("layers", "wishes", "message"),
    [
        ([], {}, "No layers"),
        ([4], {}, "no layer 4"),
        ([-1], {}, "no layer -1"),
        ([1], {"methods": []}, "No methods"),
        ([1], {"methods": ["svm"]}, "no method 'svm'"),
        ([1], {"pool": "none"}, "mean or last"),
    ],
)
def test_wrong_wishes_are_refused(model: Model, examples: Examples, layers: list, wishes: dict, message: str) -> None:
    for function in (sweep, cached_sweep):
        with pytest.raises(UserError, match=message):
            function(model, examples, layers, **wishes)


def test_too_few_texts_are_refused(model: Model) -> None:
    few = from_lists(
        ["good day", "good day", "good film", "good food"], ["bad day", "bad film", "bad rain", "bad food"]
    )
    with pytest.raises(UserError, match="only 3 independent positives"):
        sweep(model, few, [1])
