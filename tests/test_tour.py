"""The tour's results are of what the project asks now, and the model gives the same numbers again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from core import first_concept, workspace
from core.activations import record_texts
from core.dictionaries import fitted, open_dictionary
from core.dictionaries.index.concept import features_for
from core.directions import load_direction, usable_rows
from core.examples import open_examples, split
from core.first_concept import EXAMPLES, LAYER, LIMIT
from core.models import Model, open_model
from core.steering import Decoding, steer
from core.tcav import Settings, make_inputs, tcav
from core.tcav.known import known_target
from core.tour import PATH, Tour, open_tour, sources

COUNTS = ("n_positives", "n_negatives", "n_inputs")


@pytest.fixture(scope="module")
def tour() -> Tour:
    found = open_tour()
    assert found is not None
    return found


def test_it_is_made_of_what_is_asked_now(tour: Tour, home_with_model: Path, smollm2: Model) -> None:
    assert tour.made_of == sources(smollm2), "the tour asks something else by now: run `make assets`"
    for name, made_of in tour.made_of.items():
        assert tour.value[name]["key"] == workspace.digest(made_of)


def test_the_feature_was_chosen_by_the_rule_and_not_by_hand(tour: Tour) -> None:
    best = tour.carried["best"]
    assert best["train_auroc"] == max(one["train_auroc"] for one in [best, *tour.carried["features"]])
    assert tour.carried["features"][0]["auroc"] >= best["auroc"]


def test_windows_are_places_whose_text_is_read_where_it_lies(tour: Tour) -> None:
    windows = tour.windows()
    assert len(windows) == len(tour.value["browse"]["windows"])
    assert len({window.set for window in windows}) == len(windows) > 2
    for window in windows:
        assert window.values[window.centre] == window.value == max(v for v in window.values if v is not None)
        assert all(window.texts)
    kept = PATH.read_text("utf-8")
    assert not any("".join(window.texts)[:30] in kept for window in windows)


def test_a_text_that_changed_is_left_out(tour: Tour) -> None:
    value = json.loads(json.dumps(tour.value))
    first, *others = value["browse"]["windows"]
    first["start"] += 1
    value["browse"]["windows"][1]["set"] = "no-such-file"
    assert len(Tour(value).windows()) == len(others) - 1


@pytest.mark.parametrize("text", ["", "[]", "{", '{"probe": {}}'])
def test_a_damaged_file_is_no_tour(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tour.json"
    path.write_text(text)
    monkeypatch.setattr("core.tour.tour.PATH", path)
    assert open_tour() is None


@pytest.mark.slow
def test_the_probe_scores_so_again(tour: Tour, home_with_model: Path, smollm2: Model) -> None:
    """With scikit-learn's own AUROC of a difference of means."""
    ours = next(r for r in tour.sweep.results if (r.layer, r.method) == (LAYER, "diffmean"))
    examples = open_examples(EXAMPLES, limit=LIMIT)
    stores = record_texts(smollm2, examples.texts, [smollm2.site(LAYER)])
    rows = usable_rows([store.load() for store in stores], examples)
    X, y = rows.X[0].astype(float), rows.y
    train, test = split(y, rows.groups)
    vector = X[train][y[train] == 1].mean(axis=0) - X[train][y[train] == 0].mean(axis=0)
    assert roc_auc_score(y[test], X[test] @ vector) == pytest.approx(ours.auroc, abs=1e-3)


@pytest.mark.slow
def test_the_test_scores_so_again(tour: Tour, home_with_model: Path, smollm2: Model) -> None:
    if not tour.cells:
        pytest.skip("`make assets` has not made the test")
    ours = next(cell for cell in tour.cells if cell["concept"] == EXAMPLES)
    examples, target = open_examples(EXAMPLES, limit=LIMIT), known_target(smollm2, first_concept.TARGET)
    inputs = make_inputs(EXAMPLES, open_examples(EXAMPLES, limit=first_concept.INPUTS).texts)
    settings = Settings(kinds=("diffmean",), permutations=99)
    # At all its layers, since a text stays out of all where one of them has no token of it to pool.
    layers = first_concept.spread(smollm2.n_layers)
    found = tcav(smollm2, [examples], [target], inputs, layers, settings=settings, pushed=0).results
    again = next(cell for cell in found if cell["layer"] == ours["layer"])
    kept = ours["kinds"]["diffmean"]
    assert {name: again[name] for name in COUNTS} == {name: ours[name] for name in COUNTS}
    assert again["score"] == pytest.approx(kept["score"], abs=0.011)  # one input whose derivative is all but 0
    assert again["mean_cosine"] == pytest.approx(kept["mean_cosine"], abs=1e-4)


@pytest.mark.slow
def test_the_feature_scores_so_again(tour: Tour, home_with_model: Path, smollm2: Model) -> None:
    kept = tour.carried["best"]
    dictionary = fitted(open_dictionary(tour.carried["dictionary"]), smollm2)
    rows = open_examples(EXAMPLES, limit=tour.made_of["browse"]["rows"])
    again = features_for(smollm2, dictionary, rows, tested=1).best
    assert again.feature == kept["feature"]
    assert again.auroc == pytest.approx(kept["auroc"], abs=1e-3)


@pytest.mark.slow
def test_the_pushed_text_is_written_so_again(tour: Tour, prepared_home: Path, home_with_model: Path) -> None:
    made = prepared_home / "directions" / f"{first_concept.DIRECTION}.safetensors"
    if not made.is_file():
        pytest.skip("`make setup` has not prepared the workspace")
    workspace.write_bytes(workspace.place("directions", made.name), made.read_bytes())
    model, direction = open_model("smollm2"), load_direction(first_concept.DIRECTION)
    for kept in tour.written:
        (again,) = steer(model, direction, first_concept.PROMPT, [kept.dose], decoding=Decoding(max_new_tokens=16))
        assert kept.text.startswith(again.text)
        assert len(again.text) > 30
