"""`sae index` and `sae features`: the keys that scripts rely on, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


MISTAKES = {
    ("sae", "features", "mine", "--sort", "beauty"): "no column 'beauty'",
    ("sae", "features", "mine", "--min", "density"): "NAME=VALUE",
    ("sae", "features", "mine", "--index", "abc"): "has no index",
    ("sae", "index", "mine", "--set", "top=0"): "top must be",
    ("sae", "index", "mine", "--set", "top"): "NAME=VALUE",
    ("sae", "index", "nobody"): "nobody",
}


def test_every_mistake_gets_one_line(indexed: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in MISTAKES.items():
        assert sentence in fails(capsys, *arguments)
