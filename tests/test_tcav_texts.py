"""TCAV from texts to the command line's JSON, on a tiny model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.__main__ import main
from core.examples import reference_texts
from tests.commands import run
from tests.tiny import tiny_directory

KEYS = {
    *("concept", "target", "layer", "cav", "score", "score_ci", "mean_derivative", "mean_cosine", "push_effect"),
    *("push_rank", "specificity", "auroc", "p", "p_adjusted", "verdict"),
}
GOOD, BAD = ["good", "fine", "lovely", "great"], ["bad", "poor", "awful", "cold"]
NOUNS = ["film", "room", "food", "letter", "river", "evening", "music", "city"]
WHERE = ["at home", "in the city", "by the river"]


@pytest.fixture(scope="module")
def model(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One tiny model in one workspace for all tests here, with a short reference that is recorded once."""
    directory = tmp_path_factory.mktemp("tcav")
    bundled = prepared_home / "examples" / "bundled"
    if bundled.is_dir():
        shutil.copytree(bundled, directory / "home" / "examples" / "bundled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(directory / "home"))
        some = reference_texts()[:200]
        patch.setattr("core.tcav.text_reader.reference_texts", lambda: some)
        patch.setattr("core.activations.reference.reference_texts", lambda: some)
        yield str(tiny_directory(directory, "llama"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    made = {}
    for name, end in (("mood", "today"), ("place", "there")):
        rows = ["text,label"]
        for label, words in ((1, GOOD), (0, BAD)):
            rows += [f"The {noun} was {word} {end},{label}" for noun in NOUNS for word in words]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows))
        made[name] = str(tmp_path / f"{name}.csv")
    (tmp_path / "asked.txt").write_text(
        "\n".join(f"She went to the {noun} {place} ## again" for noun in NOUNS for place in WHERE)
    )
    return made | {"asked": str(tmp_path / "asked.txt")}


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 or "texts" in err
    return err.splitlines()[-1]


def test_the_command_gives_its_keys_and_finds_its_result_again(
    model: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (
        *("tcav", model, "--concepts", f"{files['mood']},{files['place']}", "--target", "the,a|and,of"),
        *("--inputs", files["asked"], "--layers", "1,2", "--controls", "0", "--pushed", "4"),
    )
    found = run(capsys, *arguments)
    assert {"results", "seconds"} <= set(found)
    assert [(one["concept"], one["layer"]) for one in found["results"]] == [
        (files[name], layer) for name in ("mood", "place") for layer in (1, 2)
    ]
    for one in found["results"]:
        assert set(one) >= KEYS
        assert 0 <= one["score_ci"][0] <= one["score_ci"][1] <= 1
        assert 1 <= one["push_rank"] <= 21
        assert one["specificity"] is None
        assert one["p_adjusted"] >= one["p"] >= 0.001
        assert (one["n_positives"], one["n_negatives"], one["n_inputs"]) == (32, 32, 24)
        assert one["auroc_ci"][0] <= one["auroc"] <= one["auroc_ci"][1]
    again = run(capsys, *arguments)
    assert again["cached"] is True
    assert again["results"] == found["results"]
    marked = run(
        capsys,
        *arguments,
        "--mark",
        "##",
        "--pushed",
        "0",
        "--cavs",
        "diffmean,logistic",
        "--cav",
        "logistic",
        "--permutations",
        "39",
    )
    assert marked["results"][0]["score"] != found["results"][0]["score"]
    assert {one["cav"] for one in marked["results"]} == {"logistic"}
    assert main(arguments) == 0
    assert "verdict" in capsys.readouterr().out


def test_inputs_that_are_cut_are_told(
    model: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Path(files["asked"]).read_text().replace(" ##", "").splitlines()
    asked[3] += " and on and on" * 100
    asked[5] += " and off and off" * 100
    (tmp_path / "long.txt").write_text("\n".join(asked))
    arguments = ("tcav", model, "--concepts", files["mood"], "--target", "the,a|and,of", "--layers", "1")
    arguments = (*arguments, "--controls", "0", "--pushed", "0", "--permutations", "39", "--inputs")
    said = " ".join(run(capsys, *arguments, str(tmp_path / "long.txt"))["notes"])
    assert "2 of 24 inputs are longer than what is read" in said
    assert "longer" not in " ".join(run(capsys, *arguments, files["asked"])["notes"])


def test_a_set_can_be_concept_inputs_and_negatives_at_once(
    model: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(
        capsys,
        *("tcav", model, "--concepts", files["mood"], "--target", "the|and", "--target", "a|of", "--pool", "last"),
        *(
            "--inputs",
            files["mood"],
            "--layers",
            "1",
            "--negatives",
            files["place"],
            "--controls",
            "0",
            "--pushed",
            "0",
        ),
    )
    assert [one["target"] for one in found["results"]] == ["the|and", "a|of"]
    (one, _) = found["results"]
    # Of the 32 positives, which are inputs too, some are now on the one side and the rest on the other.
    assert one["n_inputs"] + one["n_positives"] == 64
    assert 8 < one["n_positives"] < 24
    assert one["n_negatives"] == 32
    assert any("also stand among the examples" in note for note in found["notes"])
    assert any("below 50" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--concepts": "./nowhere.csv"}, "nowhere.csv"),
        ({"--concepts": ","}, "--concepts takes"),
        ({"--target": "good"}, "two sets"),
        ({"--permutations": "100001"}, "use 100000 or fewer"),
        ({"--target": "class:zebra"}, "has no classes"),
        ({"--target": "the|of,marvellous"}, "'marvellous' is"),
        ({"--inputs": "./nowhere.txt"}, "nowhere.txt"),
        ({"--layers": "99"}, "no layer 99"),
        ({"--cavs": "magic"}, "magic"),
        ({"--cav": "svm"}, "not among"),
        ({"--negatives": "./nowhere.txt"}, "nowhere.txt"),
        ({"--permutations": "5"}, "19 or more"),
        ({"--pool": "none"}, "invalid choice"),
    ],
)
def test_every_mistake_gets_one_line(
    model: str, files: dict[str, str], capsys: pytest.CaptureFixture[str], change: dict[str, str], sentence: str
) -> None:
    usual = {"--concepts": files["mood"], "--target": "the|and", "--inputs": files["asked"], "--layers": "1"}
    arguments = [part for item in (usual | change).items() for part in item]
    assert sentence in fails(capsys, "tcav", model, *arguments)


def test_too_few_inputs_or_examples_get_a_sentence(
    model: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ("--target", "the|and", "--layers", "1", "--controls", "0", "--pushed", "0")
    (tmp_path / "few.txt").write_text("She went home\nShe went away\nShe went")
    few = ("--concepts", files["mood"], "--inputs", str(tmp_path / "few.txt"))
    assert "Only 3 of the 3 inputs" in fails(capsys, "tcav", model, *few, *usual)
    (tmp_path / "small.csv").write_text("text,label\na b c,1\nd e f,1\ng h i,0\nj k l,0\nm n o,0\np q r,0")
    small = ("--concepts", str(tmp_path / "small.csv"), "--inputs", files["asked"])
    assert "only 2 independent positives" in fails(capsys, "tcav", model, *small, *usual)


def test_calibration_gives_its_keys(model: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        *("tcav", "calibrate", model, "--negatives", files["mood"], "--target", "the,a|and,of", "--controls", "0"),
        *("--inputs", files["asked"], "--layers", "1,2", "--pushed", "0", "--size", "8", "--permutations", "99"),
    )
    found = run(capsys, *arguments, "--runs", "6")
    assert {"false_positive_rate", "supported_orthogonal", "power", "runs"} <= set(found)
    assert (found["runs"], found["power"]) == (6, None)
    assert 0 <= found["false_positive_rate"] <= 1
    assert run(capsys, *arguments, "--runs", "6")["cached"] is True
    other = run(capsys, *arguments, "--runs", "6", "--concept", files["mood"])
    assert 0 <= other["power"] <= 1
    assert "random sets of 20 against 20 need 40" in fails(capsys, *arguments, "--size", "20")
    assert main((*arguments, "--runs", "6")) == 0
    assert "should be 5%" in capsys.readouterr().out


def test_a_scan_ranks_and_names_what_it_left_out(
    model: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.csv").write_text("text,label\na b c,1\nd e f,1\ng h i,0\nj k l,0")
    names = ",".join([files["mood"], files["place"], str(tmp_path / "tiny.csv")])
    arguments = (
        *("tcav", "scan", model, "--target", "the,a|and,of", "--inputs", files["asked"], "--layer", "1"),
        *("--concepts", names, "--pushed", "0", "--permutations", "99"),
    )
    found = run(capsys, *arguments)
    assert {"results", "seconds"} <= set(found)
    assert [one["rank"] for one in found["results"]] == [1, 2]
    assert {one["concept"] for one in found["results"]} == {files["mood"], files["place"]}
    assert {"p", "auroc", "verdict", "mean_cosine"} <= set(found["results"][0])
    assert any("only 2 independent" in note for note in found["notes"])
    assert run(capsys, *arguments)["cached"] is True
    assert "give --target once" in fails(capsys, *arguments, "--target", "the|of")
    assert "None of the 1 sets" in fails(capsys, *arguments, "--concepts", str(tmp_path / "tiny.csv"))


def test_a_concept_can_be_tested_against_another(
    model: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"A {word} {noun},{label}" for noun in NOUNS[:6] for label, word in ((1, "long"), (0, "short"))]
    (tmp_path / "size.csv").write_text("\n".join(["text,label", *rows]))
    usual = (
        *("tcav", model, "--concepts", files["mood"], "--target", "the,a|and,of", "--inputs", files["asked"]),
        *("--layers", "1", "--controls", "0", "--pushed", "0", "--permutations", "99"),
    )
    (relative,) = run(capsys, *usual, "--against", str(tmp_path / "size.csv"))["results"]
    assert (relative["n_positives"], relative["n_negatives"]) == (32, 6)
    assert "against itself" in fails(capsys, *usual, "--against", files["mood"])
    assert "not allowed with" in fails(capsys, *usual, "--against", files["place"], "--negatives", files["place"])
