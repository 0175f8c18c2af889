"""The library on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.directions import load_direction
from tests.test_cli import examples, fails, model, run  # noqa: F401 (fixtures)
from tests.tiny import tiny_directory

KEYS = {"name", "model_id", "site", "layer", "method", "raw_norm", "auroc", "examples"}


@pytest.fixture
def library(model: str, examples: str, capsys: pytest.CaptureFixture[str]) -> str:  # noqa: F811
    """Two directions at one site and one at another; returns the model."""
    for name, layer, method in (("nice", "1", "diffmean"), ("read", "1", "logistic"), ("deep", "2", "diffmean")):
        wish = ("--examples", examples, "--layer", layer, "--method", method, "--save", name)
        run(capsys, "direction", model, *wish)
    return model


def test_list_and_show(library: str, examples: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    found = run(capsys, "directions")["directions"]
    assert [one["name"] for one in found] == ["deep", "nice", "read"]
    assert set(found[0]) >= KEYS
    assert (found[1]["examples"], found[1]["layer"], found[1]["method"]) == (examples, 1, "diffmean")
    low, high = found[1]["auroc_ci"]
    assert low <= found[1]["auroc"] <= high
    assert run(capsys, "directions", "--model", "smollm2")["directions"] == []
    shown = run(capsys, "direction", "show", "nice")
    assert {"provenance", "digest", "width"} | KEYS <= set(shown)
    assert shown["provenance"]["seed"] == 0


def test_combine_rename_delete(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "direction", "combine", "nice - 0.5*read", "--save", "both")
    raw = load_direction("nice").vector.astype(float) - 0.5 * load_direction("read").vector.astype(float)
    np.testing.assert_allclose(load_direction("both").vector, raw / np.linalg.norm(raw), atol=1e-6)
    assert made["raw_norm"] == pytest.approx(np.linalg.norm(raw))
    run(capsys, "direction", "combine", "nice", "--orthogonal-to", "read", "--save", "rest")
    assert abs(float(load_direction("rest").vector @ load_direction("read").vector)) < 1e-6
    assert run(capsys, "direction", "rename", "rest", "left")["name"] == "left"
    assert run(capsys, "direction", "delete", "left,both")["deleted"] == ["left", "both"]
    assert [one["name"] for one in run(capsys, "directions")["directions"]] == ["deep", "nice", "read"]


def test_export_and_import(library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for format in ("gguf", "safetensors", "csv"):
        path = tmp_path / f"nice.{format}"
        run(capsys, "direction", "export", "nice", "--format", format, "--output", str(path))
        place = ("--model", library, "--layer", "1")
        (back,) = run(capsys, "direction", "import", str(path), "--save", f"{format}-back", *place)["directions"]
        assert (back["layer"], back["site"]) == (1, "model.layers.1 output")
        vectors = load_direction("nice").vector, load_direction(f"{format}-back").vector
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-7)
    assert load_direction("safetensors-back").provenance == load_direction("nice").provenance
    path = tmp_path / "two.gguf"
    wrote = run(capsys, "direction", "export", "nice,deep", "--format", "gguf", "--output", str(path), "--length", "9")
    assert [(one["layer"], one["length"]) for one in wrote["directions"]] == [(1, 9.0), (2, 9.0)]
    found = run(capsys, "direction", "import", str(path), "--save", "x", "--model", library)["directions"]
    assert [(one["name"], one["raw_norm"]) for one in found] == [
        ("x-L1", pytest.approx(9, rel=1e-6)),
        ("x-L2", pytest.approx(9, rel=1e-6)),
    ]


def test_a_strength_of_an_export_can_be_a_dose(
    library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--direction", "nice", "--prompt", "The film was", "--doses=1", "--max-new-tokens", "1")
    (steered,) = run(capsys, "steer", library, *options)["results"]
    output = ("--output", str(tmp_path / "nice.gguf"), "--per-dose", library)
    wrote = run(capsys, "direction", "export", "nice", "--format", "gguf", *output)
    assert wrote["directions"][0]["length"] == pytest.approx(steered["coefficient"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "nobody"), "no direction called 'nobody'; saved are: deep, nice, read"),
        (("show",), "required"),
        (("combine", "nice - deep", "--save", "x"), "only directions of one site"),
        (("combine", "nice-read", "--save", "x"), "write spaces"),
        (("combine", "nice *", "--save", "x"), "ends where"),
        (("combine", "nice", "--save", "read"), "already"),
        (("combine", "nice", "--save", "../x"), "cannot be a name"),
        (("export", "nice", "--format", "pt", "--output", "OUT"), "no format 'pt'"),
        (("export", "nobody", "--format", "csv", "--output", "OUT"), "no direction called"),
        (("export", "nice", "--format", "csv", "--output", "FILE"), "exists already"),
        (("export", "nice", "--format", "csv", "--output", "nowhere/at/all.csv"), "no folder"),
        (("export", "nice", "--format", "gguf", "--output", "OUT", "--length", "0"), "above 0"),
        (("import", "nowhere.csv", "--save", "x"), "cannot be read"),
        (("import", "FILE", "--save", "x"), "does not say where"),
        (("import", "FILE", "--save", "x", "--layer", "1"), "name the model too"),
        (("import", "FILE", "--save", "x", "--model", "MODEL", "--layer", "1"), "has the width 64"),
        (("import", "FILE", "--save", "x", "--model", "MODEL", "--layer", "99"), "no layer 99"),
        (("rename", "nice", "read"), "already"),
        (("rename", "nice", "a/b"), "cannot be a name"),
        (("delete", "nobody"), "to delete"),
        (("delete", ","), "Name the direction"),
    ],
)
def test_every_mistake_gets_one_line(
    library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "three.csv"
    file.write_text("1\n2\n3\n")
    filled = [{"FILE": str(file), "OUT": str(tmp_path / "out"), "MODEL": library}.get(one, one) for one in arguments]
    assert sentence in fails(capsys, "direction", *filled)
    assert not (tmp_path / "out").exists()


def test_a_direction_from_two_lists_of_words(
    model: str,  # noqa: F811
    examples: str,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wish = ("direction", model, "--method", "observable", "--tokens", "a,b|w", "--layer", "1", "--save", "ab")
    made = run(capsys, *wish, "--examples", examples, "--set", "prompts=16")
    assert (made["method"], made["origin"], made["auroc"]) == ("observable", "a, b against w", None)
    assert {one["name"] for one in made["checks"]} == {"slope", "rising", "halves"}
    assert load_direction("ab").provenance["prompts"]["read"] == 16
    plain = run(capsys, *wish, "--set", "prompts=0")
    assert plain["checks"] == []
    (tmp_path / "texts.txt").write_text("The film was good.\nThe food was bad.\n")
    run(capsys, *wish, "--texts", str(tmp_path / "texts.txt"))
    assert load_direction("ab").provenance["prompts"]["read"] == 2


def test_a_direction_from_two_models(
    model: str,  # noqa: F811
    examples: str,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "second").mkdir()
    other = str(tiny_directory(tmp_path / "second", "llama", seed=1))
    wish = ("direction", model, "--method", "difference", "--other", other, "--layer", "1", "--save", "d")
    made = run(capsys, *wish, "--examples", examples)
    assert {one["name"] for one in made["checks"]} == {"norm", "held_out_length", "halves"}
    assert made["auroc_ci"][0] <= made["auroc"] <= made["auroc_ci"][1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--layer", "1"), "--examples"),
        (("--layer", "1", "--method", "observable"), "--tokens"),
        (("--layer", "1", "--method", "observable", "--tokens", "good"), "good,great|bad,terrible"),
        (("--layer", "1", "--method", "observable", "--tokens", "a|unfathomable"), "'unfathomable' is"),
        (("--layer", "1", "--method", "difference", "--examples", "SET"), "--other"),
        (("--layer", "1", "--method", "difference", "--other", "MODEL", "--examples", "SET"), "same model"),
        (("--layer", "1", "--examples", "SET", "--set", "c"), "NAME=VALUE"),
        (("--layer", "1", "--examples", "SET", "--set", "c=1"), "no parameter 'c'"),
        (("--layer", "1", "--examples", "SET", "--texts", "x"), "not allowed with"),
    ],
)
def test_every_mistake_in_making_one_gets_one_line(
    model: str,  # noqa: F811
    examples: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    filled = [{"SET": examples, "MODEL": model}.get(one, one) for one in arguments]
    assert sentence in fails(capsys, "direction", model, *filled, "--save", "x")


def test_a_taken_name_is_kept_unless_told_otherwise(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_direction("deep").digest
    fails(capsys, "direction", "combine", "nice", "--save", "deep")
    assert load_direction("deep").digest == before
    run(capsys, "direction", "combine", "nice", "--save", "deep", "--replace")
    assert load_direction("deep").digest == load_direction("nice").digest


def test_the_model_of_direction_may_have_the_name_of_a_command(
    library: str,
    examples: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "show").symlink_to(library)
    monkeypatch.chdir(tmp_path)
    made = run(capsys, "direction", "./show", "--examples", examples, "--layer", "1", "--save", "x")
    assert made["name"] == "x"


def test_the_library_is_listed_as_a_table(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    from core.__main__ import main

    capsys.readouterr()
    assert main(["directions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["name", "model_id", "layer"]
    assert len(lines) == 4
    assert main(["direction", "show", "nice"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "nice"
