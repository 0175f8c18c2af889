"""Transfer between sets, and every set as one table: on a tiny real model."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.activations import record_texts
from core.errors import UserError
from core.examples import Examples, Info, from_lists, save_examples, split
from core.models import Model, open_model
from core.probing import layer_choice, learning_curve, nonlinear_check, probe_all, probe_details, read_probe, transfer
from core.progress import Progress
from core.stats import auroc
from tests.tiny import tiny_directory

NOUNS = ("film", "food", "room", "letter", "river", "city", "day", "music", "rain", "street", "teacher", "station")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("models")))
        return open_model(str(tiny_directory(tmp_path_factory.mktemp("tiny"), "llama")))


def moods(good: str, bad: str, name: str, verb: str = "were") -> Examples:
    positives = [f"The {a} and the {b} {verb} {good}." for a in NOUNS for b in NOUNS[:3]]
    negatives = [f"The {a} and the {b} {verb} {bad}." for a in NOUNS for b in NOUNS[3:6]]
    return from_lists(positives, negatives, name=name)


def test_transfer_is_a_probe_of_one_set_on_the_test_part_of_another(model: Model, home: Path) -> None:
    a, b = moods("good", "bad", "a"), moods("fine", "poor", "b")
    found = transfer(model, a, b, [2], ["diffmean", "lda"])
    (store,), (other,) = (record_texts(model, one.texts, [model.site(2)]) for one in (a, b))
    X, Z = store.load().astype(float), other.load().astype(float)
    train, _ = split(a.labels, a.groups)
    _, test = split(b.labels, b.groups)
    difference = X[train][a.labels[train] == 1].mean(axis=0) - X[train][a.labels[train] == 0].mean(axis=0)
    result = found.results[0]
    assert (result.method, result.layer, result.n_test, result.left_out) == ("diffmean", 2, len(test), 0)
    assert result.auroc == auroc(b.labels[test], Z[test] @ difference)
    own = read_probe(model, b, 2, "diffmean")
    assert result.reference_auroc == auroc(own.y[own.test], own.scores[own.test])
    assert result.difference == pytest.approx(result.auroc - result.reference_auroc)
    assert result.difference_ci[0] <= result.difference <= result.difference_ci[1]
    assert transfer(model, a, b, [2], ["diffmean", "lda"]) == found


def test_texts_that_the_probe_was_trained_on_are_left_out_of_transfer(model: Model, home: Path) -> None:
    a = moods("good", "bad", "a")
    shouted = [text.upper() for text in reversed(a.texts[:36])]  # another order: else the two are split alike
    same = from_lists(shouted, [f"{text} Yes." for text in a.texts[36:]], name="same")
    found = transfer(model, a, same, [1], ["diffmean"]).results[0]
    train = {a.texts[row].casefold() for row in split(a.labels, a.groups)[0]}
    tested = [same.texts[row].casefold() for row in split(same.labels, same.groups)[1]]
    assert found.left_out == sum(text in train for text in tested) > 0
    assert found.n_test == len(tested) - found.left_out
    known = [a.texts[row] for row in split(a.labels, a.groups)[0]]
    seen = from_lists(
        [text for text in known if "good" in text], [text for text in known if "bad" in text], name="seen"
    )
    with pytest.raises(UserError, match="stands in a too"):
        transfer(model, a, seen, [1], ["diffmean"])


def test_answers_are_kept_under_keys_that_hold_everything_that_counts(
    model: Model, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = moods("good", "bad", "a")
    questions = {
        "details": lambda **more: probe_details(model, a, 2, "lda", **more),
        "curve": lambda **more: learning_curve(model, a, 2, ["lda"], **more),
        "network": lambda **more: nonlinear_check(model, a, 2, **more),
    }
    first = {name: ask() for name, ask in questions.items()}
    with monkeypatch.context() as patch:
        patch.setattr("core.activations.record_texts", _never)
        assert {name: ask() for name, ask in questions.items()} == first
        for ask in questions.values():
            for more in ({"seed": 1}, {"pool": "last"}, {"max_length": 8}):
                with pytest.raises(AssertionError, match="computed"):
                    ask(**more)
    assert first["details"].errors.accuracy > 0.8
    with pytest.raises(UserError, match="mean or last"):
        probe_details(model, a, 2, "lda", pool="none")


def _never(*_: object, **__: object) -> None:
    raise AssertionError("something was computed")


def test_layers_are_compared_in_typical_norms(model: Model, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Norm:
        median = 2.0

    monkeypatch.setattr("core.activations.typical_norms", lambda model, sites, **_: dict.fromkeys(sites, Norm))
    a = moods("good", "bad", "a")
    found = layer_choice(model, a, [0, 1, 2, 3])
    (store,) = record_texts(model, a.texts, [model.site(1)])
    train, _ = split(a.labels, a.groups)
    X, y = store.load().astype(float)[train], a.labels[train]
    one, other = (X[y == label] for label in (1, 0))
    noise = sum(part.var(axis=0, ddof=1).sum() / len(part) for part in (one, other))
    norm = np.sqrt(np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2) - noise)
    assert found.layers[1].mean_difference == pytest.approx(norm / 2)
    assert found.layers[1].auroc == pytest.approx(
        auroc(*(lambda r: (r.y[r.test], r.scores[r.test]))(read_probe(model, a, 1, "logistic")))
    )
    best = max(found.layers, key=lambda one: (one.cv_auroc, -one.layer))
    assert found.by_auroc == best.layer
    assert all(one.js_projection > one.js_chance for one in found.layers), "one word gives the classes away"


def test_all_sets_make_one_table_and_go_on_where_they_stopped(model: Model, home: Path) -> None:
    sets = []
    for name, good in (("one", "good"), ("two", "fine"), ("three", "=grand()")):
        save_examples(moods(good, "bad", name), name)
        sets.append(Info(name, f"={name}", "moods", 36, 36, "here"))
    sets.append(Info("missing", "missing", "moods", 1, 1, "nowhere"))

    class Stopped(Exception):
        pass

    def stop_at_third(moment: Progress) -> None:
        if moment.unit == "sets" and moment.done == 2:
            raise Stopped

    settings = {"methods": ["logistic", "diffmean"], "limit": 60, "sets": sets}
    with pytest.raises(Stopped):
        probe_all(model, [2], **settings, progress=stop_at_third)
    heard: list[Progress] = []
    table = probe_all(model, [2], **settings, progress=heard.append)
    assert (table.complete, table.computed) == (True, 1), "two of three were finished before"
    assert [(row.examples_id, row.method) for row in table.results] == [
        (name, method) for name in ("one", "two", "three") for method in ("logistic", "diffmean")
    ]
    assert [one.examples_id for one in table.skipped] == ["missing"]
    assert {(p.done, p.total) for p in heard} == {(i, 4) for i in range(5)}
    (logistic, _) = table.means
    assert logistic.sets == 3
    assert logistic.auroc == pytest.approx(np.mean([row.auroc for row in table.results[::2]]))
    assert logistic.above_tfidf == np.mean([row.auroc > row.tfidf for row in table.results[::2]])
    assert json.loads(Path(table.table).read_text())["results"][0]["examples_id"] == "one"
    with Path(table.csv).open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["auroc"]) for line in lines] == [row.auroc for row in table.results]
    assert lines[0]["title"] == "'=one", "no cell can be run as a formula"
    assert Path(table.csv).parent == workspace.home() / "results"
    assert probe_all(model, [2], **settings).computed == 0
    assert probe_all(model, [2], **{**settings, "limit": 50}).table != table.table
