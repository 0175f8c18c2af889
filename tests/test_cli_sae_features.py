"""`sae index` and `sae features`: the keys that scripts rely on, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.__main__ import main
from core.dictionaries.index.table import COLUMNS
from tests.commands import fails, run
from tests.test_dictionaries_index import make_texts
from tests.tiny import tiny_directory

QUICK = ("--features", "16", "--tokens", "600", "--batch", "100", "--set", "k=4")


@pytest.fixture
def indexed(home_with_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """A dictionary called `mine`, and what indexing it said."""
    model, texts = str(tiny_directory(tmp_path, "llama")), tmp_path / "texts.txt"
    texts.write_text("\n".join(make_texts(60)))
    run(capsys, "sae", "train", model, "--layer", "1", "--texts", str(texts), *QUICK, "--save", "mine")
    return run(capsys, "sae", "index", "mine", "--texts", str(texts), "--set", "top=5")


def test_features_are_listed_with_all_that_is_known(
    indexed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert indexed["complete"] is True
    assert indexed["texts"] == 60
    assert "near" not in json.dumps(indexed["corpus"])
    found = run(capsys, "sae", "features", "mine", "--sort", "density", "--limit", "5")
    assert found["total"] == 16
    assert len(found["features"]) == 5
    for one in found["features"]:
        assert set(one) == {*COLUMNS, "examples"}
        top = one["examples"][0]
        assert (top["band"], top["value"]) == ("top", pytest.approx(one["max"]))
        assert top["tokens"][top["centre"]][1] == top["value"]
    densities = [one["density"] for one in found["features"]]
    assert densities == sorted(densities, reverse=True)
    least = densities[2]
    often = run(capsys, "sae", "features", "mine", "--ascending", "--limit", "16", "--min", f"density={least!r}")
    found = [one["density"] for one in often["features"]]
    assert found == sorted(found)
    assert found[0] == least
    assert 3 <= often["total"] == len(found) < 16


def test_features_of_a_text_of_a_set_and_by_words(
    indexed: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = run(capsys, "sae", "features", "mine", "--text", "The film was good.", "--limit", "3")
    assert "".join(one["token"] for one in read["tokens"]) == "The film was good."
    assert [one["read"] for one in read["tokens"]] == [False, *([True] * (len(read["tokens"]) - 1))]
    assert read["tokens"][0]["features"] == []
    for one in read["tokens"][1:]:
        assert 1 <= len(one["features"]) <= 3
        assert set(one["features"][0]) == {"feature", "value", "label"}
    assert read["features"][0]["strongest"] == max(f["value"] for one in read["tokens"] for f in one["features"])
    often = run(capsys, "sae", "features", "mine", "--text", "The film was good.", "--max-density", "0.2")
    assert all(one["density"] <= 0.2 for one in often["features"])

    labelled = tmp_path / "set.csv"
    texts = make_texts(60, seed=5)
    labelled.write_text("\n".join(["text,label", *(f'"{text}",{i % 2}' for i, text in enumerate(texts))]))
    found = run(capsys, "sae", "features", "mine", "--examples", str(labelled), "--limit", "4")
    assert found["total"] == found["tested"] <= found["considered"] <= 16
    assert len(found["features"]) == 4
    aurocs = [one["auroc"] for one in found["features"]]
    assert aurocs == sorted(aurocs, reverse=True)
    for one in found["features"]:
        assert one["interval"][0] <= one["auroc"] <= one["interval"][1]
        assert 0 < one["p"] <= one["p_adjusted"] <= 1
    assert found["best"]["train_auroc"] == max(one["train_auroc"] for one in found["features"] + [found["best"]])

    listed = run(capsys, "sae", "features", "mine", "--search", "evening", "--by", "text")
    assert listed["features"][0]["found"] >= listed["features"][-1]["found"] >= 1
    for command in (("--text", "A film"), ("--examples", str(labelled)), ("--search", "evening")):
        assert main(("sae", "features", "mine", *command)) == 0
        assert capsys.readouterr().out.strip()


MISTAKES = {
    ("sae", "features", "mine", "--sort", "beauty"): "no column 'beauty'",
    ("sae", "features", "mine", "--min", "density"): "NAME=VALUE",
    ("sae", "features", "mine", "--index", "abc"): "has no index",
    ("sae", "index", "mine", "--set", "top=0"): "top must be",
    ("sae", "index", "mine", "--set", "top"): "NAME=VALUE",
    ("sae", "index", "nobody"): "nobody",
    ("sae", "features", "mine", "--text", " "): "no text to read",
    ("sae", "features", "mine", "--search", " "): "nothing to search for",
    ("sae", "features", "mine", "--examples", "nowhere.csv"): "nowhere.csv",
}


def test_every_mistake_gets_one_line(indexed: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in MISTAKES.items():
        assert sentence in fails(capsys, *arguments)
