"""`probe`: the keys that scripts rely on, every option, one line for every mistake."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from core.probing import all_sets
from tests.test_cli import examples, fails, model, run

__all__ = ["examples", "model"]  # fixtures


def test_every_score_stands_beside_its_controls(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "probe", model, "--examples", examples, "--layers", "1,2", "--methods", "all", "--controls")
    assert {"results", "best", "baselines", "seconds", "cached"} <= set(found)
    assert [one["name"] for one in found["baselines"]] == ["tfidf", "length", "layer0", "majority"]
    assert [(one["layer"], one["method"]) for one in found["results"]] == [
        (layer, method) for layer in (1, 2) for method in ("logistic", "diffmean", "ridge", "lda", "pca")
    ]
    for one in (*found["results"], found["best"]):
        assert {"auroc", "auroc_ci", "accuracy", "n_train", "n_test", "cv_auroc"} <= set(one)
        assert 0.2 < one["control_auroc"] < 0.8
        assert -1 <= one["selectivity"] <= 1
        assert one["codelength"] > 0
        without = min(one["codelength_uniform"], one["codelength_prior"])
        assert one["compression"] == pytest.approx(without / one["codelength"])
        assert one["seed_aurocs"] == [one["auroc"]]
    assert run(capsys, "probe", model, "--examples", examples, "--layers", "1,2", "--methods", "all")["cached"]


def test_controls_can_be_chosen(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("probe", model, "--examples", examples, "--layers", "1")
    bare = run(capsys, *arguments, "--controls", "none")
    assert [one["name"] for one in bare["baselines"]] == ["tfidf", "length", "majority"]
    assert (bare["best"]["selectivity"], bare["best"]["codelength"]) == (None, None)
    some = run(capsys, *arguments, "--controls", "codelength")
    assert some["best"]["selectivity"] is None
    assert some["best"]["codelength"] > 0
    assert some["best"]["auroc"] == bare["best"]["auroc"]


def test_seeds_show_how_much_hangs_on_the_split(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("probe", model, "--examples", examples, "--layers", "1", "--methods", "diffmean", "--controls=none")
    found = run(capsys, *arguments, "--seeds", "3")
    assert found["seeds"] == [0, 1, 2]
    alone = [run(capsys, *arguments, "--seed", str(seed))["best"]["auroc"] for seed in (0, 1, 2)]
    assert found["best"]["seed_aurocs"] == alone
    assert run(capsys, *arguments, "--seeds", "2,7")["seeds"] == [2, 7]
    assert run(capsys, *arguments, "--seed", "4", "--seeds", "2")["seeds"] == [4, 5]


def test_transfer_and_further_answers(
    model: str, examples: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(Path(examples).read_text().replace("today", "in the evening of that day"))
    monkeypatch.setattr("core.activations.typical_norms", lambda model, sites, **_: dict.fromkeys(sites, _Norm))
    found = run(
        capsys,
        *("probe", model, "--examples", examples, "--layers", "1,2", "--methods", "diffmean"),
        *("--transfer", str(other), "--also", "details,curve,nonlinear,layers"),
    )
    assert [(one["examples_id"], one["layer"]) for one in found["transfer"]] == [(str(other), 1), (str(other), 2)]
    for one in found["transfer"]:
        assert one["auroc_ci"][0] <= one["auroc"] <= one["auroc_ci"][1]
        assert one["difference"] == pytest.approx(one["auroc"] - one["reference_auroc"])
    best = found["best"]
    assert found["details"]["errors"]["accuracy"] == pytest.approx(best["accuracy"])
    assert found["learning_curve"]["curves"][0]["points"][-1]["auroc"] == best["auroc"]
    assert found["nonlinear"]["linear_auroc"] == best["auroc"]
    assert {one["layer"]: one["auroc"] for one in found["layer_choice"]["layers"]}[best["layer"]] == best["auroc"]


class _Norm:
    median = 1.0


def test_every_bundled_set_is_one_command(
    model: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = all_sets.bundled_sets()
    assert len(some) == 113
    monkeypatch.setattr(all_sets, "bundled_sets", lambda: some[:2])
    arguments = ("probe", model, "--examples", "all", "--layers", "1", "--limit", "40", "--max-length", "16")
    found = run(capsys, *arguments)
    assert [one["examples_id"] for one in found["results"][::2]] == [one.id for one in some[:2]]
    assert {"auroc", "control_auroc", "selectivity", "codelength", "tfidf", "length"} <= set(found["results"][0])
    assert [(one["method"], one["sets"]) for one in found["means"]] == [("logistic", 2), ("diffmean", 2)]
    assert (found["complete"], found["computed"], found["skipped"]) == (True, 2, [])
    with Path(found["csv"]).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    assert run(capsys, *arguments)["computed"] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--methods", "svm"], "svm"),
        (["--controls", "luck"], "luck"),
        (["--also", "everything"], "everything"),
        (["--seeds", "0"], "1 to 100"),
        (["--seeds", "-1"], "--seeds"),
        (["--seeds", "a,b"], "--seeds takes"),
        (["--transfer", "no-such-set"], "no-such-set"),
    ],
)
def test_mistakes_are_told_in_one_line(
    model: str, examples: str, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint in fails(capsys, "probe", model, "--examples", examples, "--layers", "1", *arguments)


def test_transfer_is_about_one_set(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "one set" in fails(capsys, "probe", model, "--examples", "all", "--layers", "1", "--also", "details")
