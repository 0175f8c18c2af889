"""The command line: the keys that scripts rely on, one line for every mistake, nothing but JSON on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import fails, run
from tests.tiny import tiny_directory

ADJECTIVES = ["good", "fine", "lovely", "great", "warm", "bright"], ["bad", "poor", "awful", "cold", "dull", "grim"]
NOUNS = ["film", "room", "food", "letter", "river", "evening", "music", "city"]


@pytest.fixture
def model(home_with_model: Path, tmp_path: Path) -> str:
    return str(tiny_directory(tmp_path, "llama"))


@pytest.fixture
def examples(tmp_path: Path) -> str:
    rows = ["text,label"]
    for label, words in ((1, ADJECTIVES[0]), (0, ADJECTIVES[1])):
        rows += [f"The {noun} was {word} today,{label}" for noun in NOUNS for word in words]
    path = tmp_path / "set.csv"
    path.write_text("\n".join(rows))
    return str(path)


def test_models(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "models")["models"]
    assert {"id", "kind", "source", "layers", "width", "ready"} <= set(found[0])
    assert found[0]["id"] == "smollm2"
    assert (found[0]["layers"], found[0]["width"], found[0]["ready"]) == (30, 576, True)


def test_examples(home_with_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["id"]: one for one in run(capsys, "examples")["examples"]}
    assert {"id", "kind", "positives", "negatives", "source"} <= set(found["sae-probes/92_glue_sst2"])
    assert sum(one.startswith("sae-probes/") and "/shift/" not in one for one in found) == 113
    only = run(capsys, "examples", "--search", "sst2")["examples"]
    assert [one["id"] for one in only] == ["sae-probes/92_glue_sst2"]


def test_record(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("record", model, "--examples", examples, "--layers", "1", "--pool", "mean")
    found = run(capsys, *arguments)
    assert {"path", "n_texts", "n_tokens", "width", "seconds", "cached"} <= set(found)
    assert (found["n_texts"], found["cached"]) == (96, False)
    assert (Path(found["path"]) / "manifest.json").is_file()
    assert run(capsys, *arguments)["cached"] is True
    several = run(capsys, "record", model, "--examples", examples, "--layers", "0,1", "--pool", "mean,none")
    assert [(one["layer"], one["pool"]) for one in several["stores"]] == [
        (0, "mean"),
        (1, "mean"),
        (0, "none"),
        (1, "none"),
    ]


def test_record_of_a_text_file(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("The film was good.\nThe food was bad.\n")
    found = run(capsys, "record", model, "--texts", str(path), "--layers", "all", "--all-positions")
    assert {one["n_texts"] for one in found["stores"]} == {2}


def test_probe(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("probe", model, "--examples", examples, "--layers", "0,1", "--limit", "60")
    found = run(capsys, *arguments)
    assert {"results", "best", "seconds", "cached"} <= set(found)
    keys = {"layer", "method", "auroc", "auroc_ci", "accuracy", "n_train", "n_test"}
    assert all(keys <= set(one) for one in [*found["results"], found["best"]])
    assert found["results"][0]["n_train"] + found["results"][0]["n_test"] == 60
    again = run(capsys, *arguments)
    assert again["cached"] is True
    assert again["results"] == found["results"]


def test_direction_and_steer(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(
        capsys, "direction", model, "--examples", examples, "--layer", "1", "--method", "diffmean", "--save", "nice"
    )
    assert {"name", "site", "raw_norm", "auroc"} <= set(made)
    assert made["site"] == "model.layers.1 output"
    options = ("--direction", "nice", "--prompt", "The film was", "--doses=-0.5,0,0.5", "--max-new-tokens", "5")
    found = run(capsys, "steer", model, *options)["results"]
    assert [one["dose"] for one in found] == [-0.5, 0, 0.5]
    assert all({"dose", "coefficient", "text"} <= set(one) for one in found)
    assert found[2]["coefficient"] == -found[0]["coefficient"] > 0 == found[1]["coefficient"]
    assert {"kl", "entropy", "perplexity", "repetition"} <= set(found[0]["guards"])
    assert found[1]["guards"]["kl"] == 0 < found[0]["guards"]["kl"]


def test_a_sweep_over_prompts_and_seeds_with_its_controls(
    model: str, examples: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "direction", model, "--examples", examples, "--layer", "1", "--save", "swept")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("The film was\n\nThe food was\n")
    options = ("--direction", "swept", "--prompts", str(prompts), "--doses=-1,1", "--max-new-tokens", "4")
    found = run(capsys, "steer", model, *options, "--seeds", "0,1", "--controls", "2", "--judge", "own")
    assert [(one["prompt"], one["seed"], one["dose"]) for one in found["results"]] == [
        (prompt, seed, dose) for prompt in ("The film was", "The food was") for seed in (0, 1) for dose in (-1, 1)
    ]
    assert len(found["control"]) == 2 * 2 * 2 * 2
    assert {judge["name"] for judge in found["judges"]} == {"probe", "embedding"}
    assert all(one["score"] is not None for one in found["results"] if one["text"].strip())
    assert found["range"][0] <= 0 <= found["range"][1]
    assert len(found["slope"]["random"]) == 2
    assert found["tokens_per_second"] > 0


def test_a_sweep_at_each_layer_makes_the_direction_anew_from_the_same_examples(
    model: str, examples: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "direction", model, "--examples", examples, "--layer", "1", "--save", "swept")
    asked = (
        "steer",
        model,
        "--direction",
        "swept",
        "--prompt",
        "The film was",
        "--doses=-1,1",
        "--max-new-tokens",
        "4",
    )
    found = run(capsys, *asked, "--layers", "0,1")["layers"]
    assert [(one["layer"], one["anew"]) for one in found] == [(0, True), (1, True)]
    assert {one["coefficient"] for one in found[0]["results"]} != {one["coefficient"] for one in found[1]["results"]}
    file = Path(examples)
    file.write_text(file.read_text().replace("lovely", "shabby"))
    assert "no longer holds the examples that 'swept' was made from" in fails(capsys, *asked, "--layers", "0,1")
    assert "no longer holds the examples" in fails(capsys, *asked, "--judge", "own")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fly",), "invalid choice"),
        (("record", "MODEL"), "required"),
        (("record", "./nowhere", "--examples", "SET", "--layers", "1"), "no model directory"),
        (("record", "MODEL", "--examples", "sae-probes/no_such_set", "--layers", "1"), "no_such_set"),
        (("record", "MODEL", "--examples", "./nowhere.csv", "--layers", "1"), "nowhere.csv"),
        (("record", "MODEL", "--examples", "SET", "--layers", "99"), "no layer 99"),
        (("record", "MODEL", "--examples", "SET", "--layers", "one"), "--layers takes numbers"),
        (("record", "MODEL", "--examples", "SET", "--layers", "1", "--pool", "max"), "no pool 'max'"),
        (("record", "MODEL", "--examples", "SET", "--layers", "1", "--site", "middle"), "no kind of site"),
        (("record", "MODEL", "--examples", "SET", "--layers", "1", "--limit", "x"), "invalid count"),
        (("record", "MODEL", "--examples", "SET", "--layers", "1", "--limit", "-1"), "invalid count"),
        (("record", "MODEL", "--texts", "~nobody-of-this-name/x.txt", "--layers", "1"), "no file"),
        (("probe", "MODEL", "--examples", "SET", "--seed", "-1"), "seed"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--seed", "9" * 30), "seed"),
        (("record", "MODEL", "--examples", "SET", "--layers", "1", "--device", "tpu"), "no device 'tpu'"),
        (("probe", "MODEL", "--examples", "SET", "--limit", "2"), ""),
        (("probe", "MODEL", "--examples", "SET", "--methods", "magic"), "magic"),
        (("direction", "MODEL", "--examples", "SET", "--layer", "1", "--save", "../evil"), "cannot be a name"),
        (("direction", "MODEL", "--examples", "SET", "--layer", "1", "--method", "magic", "--save", "x"), "magic"),
        (("steer", "MODEL", "--direction", "nobody", "--prompt", "x"), "nobody"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--doses=a,b"), "--doses takes numbers"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--doses=nan"), "finite"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--seeds", "0,0.5"), "invalid seed"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--seeds", "0,1", "--temperature", "0"), "same text"),
        (("steer", "MODEL", "--direction", "x", "--prompt", "x", "--operator", "twist"), "no operator 'twist'"),
        (("steer", "MODEL", "--direction", "x", "--prompts", "./nowhere.txt"), "nowhere.txt"),
    ],
)
def test_every_mistake_gets_one_line(
    model: str, examples: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    filled = [{"MODEL": model, "SET": examples}.get(one, one) for one in arguments]
    assert sentence in fails(capsys, *filled)


def test_a_direction_of_another_model_is_refused(
    model: str, examples: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "direction", model, "--examples", examples, "--layer", "1", "--save", "nice")
    (tmp_path / "second").mkdir()
    other = str(tiny_directory(tmp_path / "second", "llama", seed=1))
    assert "was made for" in fails(capsys, "steer", other, "--direction", "nice", "--prompt", "The film")
    assert "is empty" in fails(capsys, "steer", model, "--direction", "nice", "--prompt", "  ")
    assert "no UTF-8" in fails(capsys, "steer", model, "--direction", "nice", "--prompt", "a \udcff b")
    assert "come to" in fails(capsys, "steer", model, "--direction", "nice", "--prompt", "word " * 5000)
    assert "no chat template" in fails(capsys, "steer", model, "--direction", "nice", "--prompt", "x", "--chat")


def test_a_workspace_that_cannot_be_made_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", "/dev/null/x")
    assert "set CONCEPTSCOPE_HOME" in fails(capsys, "models")


def test_as_a_program_it_prints_json_alone(home_with_model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "models", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["models"]
