"""Lenses on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.__main__ import main
from core.lenses import read_lens
from core.models import open_model
from tests.test_cli import fails, model, run  # noqa: F401 (fixtures)
from tests.test_lenses_training import sentences

PROMPT = "The film was good and the"


def test_read_train_and_read_again(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    found = run(capsys, "lens", model, "--prompt", PROMPT, "--top", "3", "--layers", "1")
    expected = read_lens(open_model(model), PROMPT, layers=[1], k=3).to_json()
    assert {name: found[name] for name in expected} == expected
    assert (found["lens"], found["key"]) == ("logit", None)
    assert "lens train" in fails(capsys, "lens", model, "--prompt", PROMPT, "--tuned")
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(sentences(60)))
    wish = ("--texts", str(path), "--limit", "40", "--layers", "0,2", "--epochs", "2", "--seed", "3")
    trained = run(capsys, "lens", "train", model, *wish)
    assert trained["layers"] == [0, 2]
    assert (trained["settings"]["epochs"], trained["settings"]["seed"]) == (2, 3)
    assert trained["n_train_texts"] + trained["held_out"]["n_texts"] == 40
    tuned = run(capsys, "lens", model, "--prompt", PROMPT, "--tuned", "--token", " the")
    assert (tuned["lens"], tuned["key"]) == ("tuned", trained["key"])
    assert set(tuned["chosen"]) == {" the"}
    capsys.readouterr()
    assert main(["lens", model, "--prompt", PROMPT]) == 0
    assert "most likely" in capsys.readouterr().out
    assert main(["lens", "train", model, *wish]) == 0
    assert "tuned agrees" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--prompt", ""), "prompt is empty"),
        (("--prompt", "x", "--token", "the film"), "not one token"),
        (("--prompt", "x", "--layers", "9"), "no layer 9"),
        ((), "--prompt"),
    ],
)
def test_bad_wishes_are_refused(
    arguments: tuple[str, ...],
    sentence: str,
    model: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sentence in fails(capsys, "lens", model, *arguments)
