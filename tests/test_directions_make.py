"""Directions made from texts on a tiny real model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.activations import record_texts
from core.directions import (
    DiffMean,
    Direction,
    Logistic,
    check_fits,
    load_direction,
    make_direction,
    save_direction,
    site_of,
    usable_rows,
)
from core.directions.rows import without_sinks
from core.errors import UserError
from core.examples import Examples, from_lists, split
from core.models import Model, open_model
from core.stats import auroc
from tests import reference
from tests.tiny import tiny_directory

NOUNS = ("film", "food", "room", "letter", "river", "city", "day", "music", "rain", "street", "teacher", "station")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_model(str(tiny_directory(tmp_path_factory.mktemp("models"), "llama")))


def concept(extra_positives: tuple[str, ...] = (), extra_negatives: tuple[str, ...] = ()) -> Examples:
    positives = [f"The {a} and the {b} were good." for a in NOUNS for b in NOUNS[:3]]
    negatives = [f"The {a} and the {b} were bad." for a in NOUNS for b in NOUNS[3:6]]
    return from_lists([*positives, *extra_positives], [*negatives, *extra_negatives], name="good or bad")


@pytest.mark.parametrize("method", ["diffmean", "logistic"])
def test_direction_tells_where_it_comes_from(model: Model, method: str) -> None:
    examples = concept()
    made = make_direction(model, examples, model.site(2), method, name="good", limit=72, seed=3)
    assert (made.model_id, made.model_fingerprint) == (model.id, model.fingerprint)
    assert (made.site, made.layer, made.method) == ("model.layers.2 output", 2, method)
    assert made.vector.shape == (model.width,)
    assert np.linalg.norm(made.vector) == pytest.approx(1, abs=1e-6)
    assert made.provenance["examples"]["digest"] == examples.digest
    assert made.provenance["examples"]["limit"] == 72
    assert (made.provenance["examples"]["positives"], made.provenance["examples"]["negatives"]) == (36, 36)
    assert made.provenance["seed"] == 3
    held_out = made.provenance["held_out"]
    assert held_out["n_train"] + held_out["n_test"] == 72
    assert held_out["interval"][0] <= made.auroc <= held_out["interval"][1]
    assert made.auroc > 0.6, "a random network holds little, but not nothing"
    (store,) = record_texts(model, examples.texts, [model.site(2)])
    scores = store.load() @ made.vector
    assert auroc(examples.labels, scores) > 0.6, "positives have to score higher"
    save_direction(made)
    assert load_direction("good").to_json() == made.to_json()


def test_vector_is_fitted_on_all_rows_and_scored_on_rows_it_has_not_seen(model: Model) -> None:
    examples = concept()
    made = make_direction(model, examples, model.site(1), "diffmean", name="good", seed=5)
    (store,) = record_texts(model, examples.texts, [model.site(1)])
    X = store.load().astype(float)
    raw = np.array(reference.difference_of_means(X.tolist(), examples.labels.tolist()))
    assert made.raw_norm == pytest.approx(np.linalg.norm(raw), rel=1e-9)
    np.testing.assert_allclose(made.vector, raw / np.linalg.norm(raw), atol=1e-6)
    train, test = split(examples.labels, examples.groups, seed=5)
    part = np.array(reference.difference_of_means(X[train].tolist(), examples.labels[train].tolist()))
    assert made.auroc == pytest.approx(reference.auroc(examples.labels[test].tolist(), (X[test] @ part).tolist()))


def test_the_penalty_that_was_chosen_is_in_the_provenance(model: Model) -> None:
    made = make_direction(model, concept(), model.site(1), "logistic", name="good")
    assert made.provenance["parameters"]["c"] > 0
    fixed = make_direction(model, concept(), model.site(1), "logistic", name="good", parameters={"c": 0.5})
    assert fixed.provenance["parameters"]["c"] == 0.5
    same = make_direction(model, concept(), model.site(1), Logistic(c=0.5), name="good")
    assert same.vector.tobytes() == fixed.vector.tobytes()


def test_texts_without_a_token_to_read_are_left_out_and_counted(model: Model) -> None:
    """A text of one token has no position but the first, which is never read."""
    plain = make_direction(model, concept(), model.site(1), "diffmean", name="good")
    with_empty = make_direction(model, concept(("x",), ("y", "z")), model.site(1), "diffmean", name="good")
    assert with_empty.provenance["examples"]["left_out"] == 3
    assert with_empty.provenance["examples"]["positives"] == 36
    np.testing.assert_allclose(with_empty.vector, plain.vector, atol=1e-5)
    with pytest.raises(UserError, match="no positives that can be read"):
        make_direction(
            model, from_lists(["x", "y"], ["a good day", "a bad day"]), model.site(1), "diffmean", name="good"
        )


def test_a_few_pasted_texts_make_a_direction_of_unknown_quality(model: Model) -> None:
    pasted = from_lists(["a good day", "a good film"], ["a bad day", "a bad film"])
    made = make_direction(model, pasted, model.site(1), "diffmean", name="good")
    assert made.auroc is None
    assert "fewer than" in made.provenance["held_out"]["note"]
    save_direction(made)
    assert load_direction("good").auroc is None


def test_no_difference_makes_no_direction(model: Model) -> None:
    same = from_lists(["a day", "a film"], ["a day", "a film"])
    with pytest.raises(UserError, match="no difference"):
        make_direction(model, same, model.site(1), "diffmean", name="none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "svm"}, "no method 'svm'"),
        ({"pool": "none"}, "use pool mean or last"),
        ({"pool": "max"}, "no pool 'max'"),
        ({"parameters": {"c": 1.0}}, "no parameter 'c'"),
        ({"name": "a/b"}, "cannot be a name"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_recorded(model: Model, changes: dict, message: str) -> None:
    wishes = {"method": "diffmean", "name": "good"} | changes
    with pytest.raises(UserError, match=message):
        make_direction(model, concept(), model.site(1), wishes.pop("method"), progress=_refuse, **wishes)


def _refuse(_: object) -> None:
    raise AssertionError("recording began")


def test_a_direction_of_another_model_is_refused_with_both_named(model: Model, tmp_path: Path) -> None:
    made = make_direction(model, concept(), model.site(1), "diffmean", name="good")
    check_fits(made, model)
    other = open_model(str(tiny_directory(tmp_path, "gpt2")))
    with pytest.raises(UserError) as refusal:
        check_fits(made, other)
    for part in ("'good'", model.id, other.id, f"width {model.width}"):
        assert part in str(refusal.value)
    cut = Direction(**vars(made) | {"vector": np.ones(1, np.float32)})
    with pytest.raises(UserError, match="has 1 values"):
        site_of(model, cut)


def test_overflow_in_activations_is_named() -> None:
    examples = concept()
    X = np.ones((len(examples), 3), dtype=np.float32)
    X[7, 1] = np.inf
    with pytest.raises(UserError, match="NaN or infinite"):
        usable_rows([X], examples)


def test_a_row_that_one_site_lacks_is_left_out_at_all_sites() -> None:
    examples = concept()
    first, second = np.ones((2, len(examples), 3), dtype=np.float32)
    second[5] = np.nan
    rows = usable_rows([first, second], examples)
    assert rows.left_out == 1
    assert 5 not in rows.kept
    assert [len(X) for X in rows.X] == [len(rows.y)] * 2 == [len(examples) - 1] * 2
    np.testing.assert_array_equal(rows.y, np.delete(examples.labels, 5))


def test_a_sink_that_is_all_of_a_short_text_is_shortened_at_its_site_alone() -> None:
    examples = concept()
    first, second = np.random.default_rng(0).normal(size=(2, len(examples), 3)).astype(np.float32)
    clean = usable_rows([first, second], examples)
    spoilt = second.copy()
    spoilt[5] *= 200
    rows = usable_rows([first, spoilt], examples)
    assert (clean.sinks, rows.sinks) == ((0, 0), (0, 1))
    np.testing.assert_array_equal(rows.X[0], first)
    np.testing.assert_array_equal(np.delete(rows.X[1], 5, axis=0), np.delete(second, 5, axis=0))
    length = np.linalg.norm(rows.X[1][5])
    assert length == pytest.approx(np.median(np.linalg.norm(spoilt, axis=1)), rel=1e-6)
    np.testing.assert_allclose(rows.X[1][5] / length, second[5] / np.linalg.norm(second[5]), rtol=1e-6)


def test_texts_of_which_many_are_long_are_not_taken_for_sinks() -> None:
    X = np.ones((100, 3), dtype=np.float32)
    X[:5] *= 10
    assert without_sinks(X)[1] == 5
    X[5] *= 10
    assert without_sinks(X)[1] == 0
    assert without_sinks(np.zeros((4, 3), dtype=np.float32))[1] == 0
    assert without_sinks(X[:0])[1] == 0


def test_provenance_is_plain_json(model: Model) -> None:
    made = make_direction(model, concept(), model.site(1), DiffMean(), name="good")
    workspace.digest(made.to_json())
