"""`sae ...`: the keys that scripts rely on, a whole way from training to export, one line for every mistake."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from core.__main__ import main
from core.cli.sae_train import SETTINGS
from core.dictionaries import open_dictionary
from core.dictionaries.formats import CONFIG, read_files
from core.dictionaries.training.curves import read_curves
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.table import METHODS
from tests.commands import fails, run
from tests.dictionaries import small_sae
from tests.test_dictionaries_runs import TEXTS
from tests.tiny import INNER, WIDTH, tiny_directory


@pytest.fixture
def model(home_with_model: Path, tmp_path: Path) -> str:
    return str(tiny_directory(tmp_path, "llama"))


@pytest.fixture
def texts(tmp_path: Path) -> str:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS))
    return str(path)


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    path = tmp_path / "set.csv"
    path.write_text("\n".join(["text,label", *(f'"{text}",{i % 2}' for i, text in enumerate(TEXTS))]))
    return str(path)


QUICK = ("--features", "16", "--tokens", "600", "--batch", "100", "--set", "k=4")


def test_from_training_to_export(
    model: str, texts: str, labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ("sae", "train", model, "--layer", "1", "--texts", texts, *QUICK)
    made = run(capsys, *train, "--save", "mine")
    assert {"name", "path", "curves", "cached", "resumed_at", "seconds"} <= set(made)
    assert (made["kind"], made["features"], made["site"]) == ("topk", 16, "model.layers.1 output")
    assert read_curves(Path(made["curves"]))[-1]["tokens"] == 600
    assert run(capsys, *train, "--save", "mine")["cached"] is True
    assert [one["name"] for one in run(capsys, "sae")["dictionaries"]] == ["mine", "smollm2-14"]

    figures = run(capsys, "sae", "eval", "mine", "--examples", labelled, "--limit", "20", "--broken", "6")
    assert {"explained_variance", "ce_recovered", "ce_recovered_mean", "l0", "dead"} == set(figures) - {"details"}
    assert 3 < figures["l0"] <= 4
    assert figures["details"]["texts"] == 20
    again = run(capsys, "sae", "eval", made["path"], "--examples", labelled, "--limit", "20", "--broken", "6")
    assert again["explained_variance"] == figures["explained_variance"]

    written = run(capsys, "sae", "export", "mine", str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / CONFIG).read_text())["metadata"]["conceptscope"]["model_id"] == model
    assert len(written["files"]) == 2
    back = run(capsys, "sae", "import", str(tmp_path / "out"), "--save", "back")
    assert back["site"] == "model.layers.1 output"
    same = run(capsys, "sae", "compare", "mine", "back")
    assert same["mutual"] == 16
    assert same["first"]["mean_cosine"] == pytest.approx(1)
    for arguments in (("sae",), ("sae", "compare", "mine", "back"), ("sae", "eval", "mine", "--examples", labelled)):
        assert main(arguments) == 0
        assert capsys.readouterr().out.strip()


FORMS = {"batchtopk": "jumprelu", "matryoshka": "jumprelu"}  # saved as what they are once they are trained


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_trained_by_the_command(
    method: str, model: str, texts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sparse = ("--set", "k=4") if method in ("topk", "batchtopk", "matryoshka") else ()
    made = run(capsys, "sae", "train", model, "--layer", "1", "--texts", texts, *QUICK[:6], *sparse, "--method", method,
               "--save", "one")  # fmt: skip
    assert (made["kind"], made["features"]) == (FORMS.get(method, method), 16)
    opened = open_dictionary("one")
    x = torch.randn(9, opened.coder.d_in, generator=torch.Generator().manual_seed(0))
    assert bool(opened.coder.reconstruct(x).isfinite().all())
    assert opened.card.recipe["method"] == method


def test_dictionaries_that_need_no_training(model: str, texts: str, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("sae", "train", model, "--layer", "1", "--texts", texts)
    neurons = run(capsys, *common, "--method", "neurons", "--save", "n")
    assert (neurons["kind"], neurons["features"], neurons["d_out"]) == ("neurons", INNER, WIDTH)
    parts = run(capsys, *common, "--method", "components", "--features", "5", "--tokens", "500", "--save", "c")
    assert (parts["kind"], parts["features"]) == ("components", 5)
    factors = run(capsys, *common, "--method", "snmf", "--features", "6", "--set", "kept=0.1", "--save", "s")
    assert (factors["kind"], factors["site"]) == ("snmf", "model.layers.1.mlp.down_proj input")
    assert run(capsys, "sae", "compare", "n", "s")["first"]["features"] == INNER
    assert "no architecture for snmf" in fails(capsys, "sae", "export", "s", "./nowhere")
    figures = run(capsys, "sae", "eval", "n", "--limit", "12", "--broken", "4")
    assert figures["ce_recovered"] == pytest.approx(1, abs=1e-3)
    assert figures["details"]["positions"] == "kept"


def test_another_models_dictionary_is_asked_about(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.dictionaries.formats import to_bytes

    sae = small_sae("standard", d_in=WIDTH, d_out=WIDTH)
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name, data in to_bytes(sae, {"model_name": "gpt2-small", "hook_name": "blocks.2.hook_resid_pre"}).items():
        (folder / name).write_bytes(data)
    (folder / "metrics.json").write_text('{"l0": 5.5}')
    command = ("sae", "import", str(folder), "--model", model)
    assert "trained on 'gpt2-small'" in fails(capsys, *command)
    found = run(capsys, *command, "--accept")
    assert (found["name"], found["layer"]) == ("theirs", 1)
    assert "explains only" in found["warning"]
    assert read_files(Path(found["path"])).metadata["model_name"] == "gpt2-small"
    figures = run(capsys, "sae", "eval", "theirs", "--limit", "10", "--broken", "3")
    assert figures["details"]["published"] == {"l0": 5.5}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sae", "eval", "nobody"), "no dictionary and no directory called 'nobody'"),
        (("sae", "eval", "../../no-such-folder"), "no dictionary"),
        (("sae", "import", "MODEL"), "holds no cfg.json"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "x", "--method", "magic"), "no training method 'magic'"),
        (("sae", "train", "MODEL", "--layer", "9", "--save", "x", "--texts", "FILE"), "no layer 9"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "../x"), "cannot be a name"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "x", "--set", "k"), "NAME=VALUE"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "x", "--set", "z=1"), "no parameter 'z'"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "x", "--features", "2"), "features must be"),
        (("sae", "train", "MODEL", "--layer", "1", "--save", "x", "--texts", "nowhere.txt"), "nowhere.txt"),
        (("sae", "train", "MODEL", "--layer", "1"), "required"),
        (("sae", "export", "nobody", "x"), "nobody"),
        (("sae", "compare", "nobody", "x"), "nobody"),
    ],
)
def test_every_mistake_gets_one_line(
    model: str, texts: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    filled = [{"MODEL": model, "FILE": texts}.get(one, one) for one in arguments]
    assert sentence in fails(capsys, *filled)


def test_the_options_are_the_recipes_fields() -> None:
    assert {field.name: field.type for field in dataclasses.fields(Recipe)} == {
        name: kind.__name__ for name, (kind, _) in SETTINGS.items()
    }
