"""Sums, differences and what lies outside: against plain numpy, and every wrong expression refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from core.directions import combine, combine_saved, cosines, load_direction, orthogonalise, save_direction
from core.directions.expression import parse
from core.errors import UserError
from tests.made_directions import direction


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mood", {"mood": 1}),
        ("mood - 0.5*length", {"mood": 1, "length": -0.5}),
        ("mood − length", {"mood": 1, "length": -1}),
        ("-mood", {"mood": -1}),
        ("mood -length", {"mood": 1, "length": -1}),
        ("mood + -2 * length", {"mood": 1, "length": -2}),
        ("length*0.5", {"length": 0.5}),
        ("2*(a - b)/4 + .5*b", {"a": 0.5}),
        ("a + a - 3e-1*a", {"a": 1.7}),
        ("(1 + 2)*a", {"a": 3}),
        ("a / -2", {"a": -0.5}),
        ("a-b", {"a-b": 1}),
        ("a.b+c_1 - x", {"a.b+c_1": 1, "x": -1}),
        ("1e", {"1e": 1}),
    ],
)
def test_expressions(text: str, expected: dict[str, float]) -> None:
    found = parse(text)
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ends where"),
        ("   ", "ends where"),
        ("a -", "ends where"),
        ("a - )", r"'\)' is not expected"),
        ("a b", "'b' is not expected"),
        ("a * b", "cannot be multiplied"),
        ("a / b", "divided by a number"),
        ("a / 0", "divided by a number"),
        ("2", "names no direction"),
        ("2 + a", "stands alone"),
        ("a - a", "cancels"),
        ("0*a", "cancels"),
        ("(a", "not closed"),
        ("a)", "not expected"),
        ("*a", "not expected"),
        ("1e300*a", "below 1,000,000"),
        ("1e999*a", "below 1,000,000"),
        ("1e999*a - 1e999*a", "below 1,000,000"),
        ("(" * 500 + "a" + ")" * 500, "more than 20 brackets"),
        ("-" * 1500 + "(" * 30 + "a", "more than 20 brackets"),
        ("a" * 3000, "3,000 characters"),
        ("../a", "cannot be a name|not expected"),
        ("__import__('os')", "cannot be a name"),
        ("a; b", "cannot be a name"),
        ("<b>", "cannot be a name"),
    ],
)
def test_what_is_no_expression_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse(text)


def test_a_combination_is_the_sum_of_unit_vectors() -> None:
    a, b = direction("a", seed=1), direction("b", seed=2)
    made = combine([(a, 1.0), (b, -0.5)], name="c")
    raw = a.vector.astype(float) - 0.5 * b.vector.astype(float)
    assert made.raw_norm == pytest.approx(np.linalg.norm(raw), rel=1e-12)
    np.testing.assert_allclose(made.vector, raw / np.linalg.norm(raw), atol=1e-7)
    assert (made.site, made.layer, made.method) == (a.site, a.layer, "combined")
    longer = combine([(direction("a", seed=1, raw_norm=1e9), 1.0), (b, -0.5)], name="c")
    assert longer.vector.tobytes() == made.vector.tobytes(), "raw norms must not count"


def test_provenance_names_the_parents_with_their_coefficients() -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        save_direction(direction(name, seed=seed))
    made = combine_saved("a  -  0.5*b", name="d", orthogonal_to=["c"])
    assert [(one["name"], one["coefficient"]) for one in made.provenance["terms"]] == [("a", 1.0), ("b", -0.5)]
    assert [one["name"] for one in made.provenance["orthogonal_to"]] == ["c"]
    assert made.provenance["terms"][1]["digest"] == load_direction("b").digest
    assert made.origin == "a - 0.5*b, orthogonal to c"
    assert made.auroc is None
    assert made.provenance["architecture"] == "llama"
    save_direction(made)
    assert load_direction("d").to_json() == made.to_json()


def test_what_is_left_is_orthogonal_to_all_and_the_nearest_such_vector() -> None:
    a, b, c = (direction(name, seed=seed) for name, seed in (("a", 1), ("b", 2), ("c", 3)))
    made = orthogonalise(a, [b, c], name="d")
    for other in (b, c):
        assert abs(float(made.vector @ other.vector)) < 1e-6
    V = np.stack([b.vector, c.vector]).astype(float)
    weights, *_ = np.linalg.lstsq(V.T, a.vector.astype(float), rcond=None)
    rest = a.vector - weights @ V
    assert made.raw_norm == pytest.approx(np.linalg.norm(rest), rel=1e-6)
    np.testing.assert_allclose(made.vector, rest / np.linalg.norm(rest), atol=1e-6)
    assert made.provenance["share_left"] == pytest.approx(made.raw_norm, rel=1e-6), "of a unit vector"
    swapped = orthogonalise(a, [c, b], name="d")
    np.testing.assert_allclose(swapped.vector, made.vector, atol=1e-6)
    repeated = orthogonalise(a, [b, c, b, direction("minus", vector=-b.vector)], name="d")
    np.testing.assert_allclose(repeated.vector, made.vector, atol=1e-6)


def test_what_cancels_is_refused() -> None:
    a, b = direction("a", seed=1), direction("b", seed=2)
    same = direction("same", vector=a.vector)
    with pytest.raises(UserError, match="cancel out"):
        combine([(a, 1.0), (same, -1.0)], name="c")
    with pytest.raises(UserError, match=r"Nothing is left of 'a' outside b, same"):
        orthogonalise(a, [b, same], name="c")


@pytest.mark.parametrize(
    "changes",
    [{"model_fingerprint": "0" * 24}, {"site": "model.layers.3.mlp output"}, {"vector": np.ones(1, np.float32)}],
)
def test_only_directions_of_one_place_are_combined(changes: dict) -> None:
    a, other = direction("a"), direction("other", seed=1, **changes)
    for act in (
        lambda: combine([(a, 1.0), (other, 1.0)], name="c"),
        lambda: orthogonalise(a, [other], name="c"),
    ):
        with pytest.raises(UserError, match=r"'a' .*'other' .*cannot be combined"):
            act()


def test_unknown_names_are_named_and_spaces_recommended() -> None:
    save_direction(direction("a"))
    save_direction(direction("b"))
    with pytest.raises(UserError, match=r"'a-b'.*spaces"):
        combine_saved("a-b", name="c")
    with pytest.raises(UserError, match="no direction called 'x'"):
        combine_saved("a - x", name="c")
    with pytest.raises(UserError, match="no direction called 'x'"):
        combine_saved("a", name="c", orthogonal_to=["x"])
    with pytest.raises(UserError, match="cannot be a name"):
        combine_saved("a", name="../c")


def test_cosines_are_there_for_directions_of_one_space_only() -> None:
    a, b = direction("a", seed=1), direction("b", seed=2)
    deeper = direction("deeper", seed=3, layer=5)
    stranger = direction("stranger", seed=4, model_fingerprint="0" * 24)
    found = cosines([a, b, deeper, stranger])
    np.testing.assert_allclose(np.diag(found), 1, atol=1e-6)
    assert found[0, 1] == pytest.approx(float(np.dot(a.vector.astype(float), b.vector.astype(float))))
    assert found[0, 2] == pytest.approx(float(np.dot(a.vector.astype(float), deeper.vector.astype(float))))
    assert np.isnan(found[3, :3]).all()
    np.testing.assert_array_equal(found, found.T)
