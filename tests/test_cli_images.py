"""The command line with images: the keys that scripts rely on, and one line for every mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.test_cli import fails, run
from tests.test_models_images import FACTORY
from tests.tiny_images import tiny_image_directory


@pytest.fixture
def model(home: Path, tmp_path: Path) -> str:
    return str(tiny_image_directory(tmp_path, "mobilenet_v2"))


@pytest.fixture
def images(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        PIL.Image.fromarray(rng.integers(0, 256, (20, 24, 4), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "set").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").rename(tmp_path / "set" / f"{name}.png")
    return str(tmp_path / "set")


def test_record(model: str, images: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("record", model, "--examples", images, "--layers", "2,mobilenet_v2.conv_1x1")
    found = run(capsys, *arguments)["stores"]
    assert {"path", "n_texts", "n_images", "n_tokens", "width", "seconds", "cached"} <= set(found[0])
    assert [(one["layer"], one["site"], one["n_images"], one["cached"]) for one in found] == [
        (2, "mobilenet_v2.layer.1 output", 3, False),
        (17, "mobilenet_v2.conv_1x1 output", 3, False),
    ]
    assert all(one["cached"] for one in run(capsys, *arguments)["stores"])
    for more in (("--background", "black"), ("--mean", "0.4"), ("--size", "48"), ("--crops", "1")):
        changed = run(capsys, *arguments, *more)["stores"]
        assert not any(one["cached"] for one in changed), more
    assert changed[0]["n_images"] == 6


def test_a_factory_is_named_on_the_command_line(
    home: Path, images: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    arguments = ("record", "mine", "--factory", f"{tmp_path / 'nets.py'}:build", "--examples", images)
    assert [one["site"] for one in run(capsys, *arguments)["stores"]] == [f"{n} output" for n in (0, 3, 6, 7)]
    monkeypatch.setenv("CONCEPTSCOPE_JOB", "x")
    assert "never in a job" in fails(capsys, *arguments)


def test_examples(model: str, images: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["id"]: one for one in run(capsys, "examples")["examples"]}
    striped = found["textures/striped"]
    assert (striped["kind"], striped["positives"], striped["negatives"]) == ("image", 100, 100)
    shown = run(capsys, "examples", "show", images)
    assert [(row["label"], row["height"], row["width"]) for row in shown["rows"]] == [(1, 20, 24)] * 3
    target = tmp_path / "look"
    assert run(capsys, "examples", "export", images, "--to", str(target))["rows"] == 3
    assert PIL.Image.open(target / "positive" / "00001.png").size == (24, 20)
    assert "not empty" in fails(capsys, "examples", "export", images, "--to", str(target))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("record", "MODEL", "--examples", "textures/plaid"), "no texture 'plaid'"),
        (("record", "MODEL", "--examples", "sae-probes/92_glue_sst2"), "no images called"),
        (("record", "MODEL", "--examples", "SET", "--layers", "99"), "no layer 99"),
        (("record", "MODEL", "--examples", "SET", "--layers", "nowhere"), "no module 'nowhere'"),
        (("record", "MODEL", "--examples", "SET", "--site", "mlp"), "recorded after layers"),
        (("record", "MODEL", "--examples", "SET", "--pool", "last"), "recorded after layers"),
        (("record", "MODEL", "--texts", "SET"), "given with --examples"),
        (("record", "MODEL", "--examples", "SET", "--background", "reddish"), "no colour 'reddish'"),
        (("record", "MODEL", "--examples", "SET", "--mean", "1,2"), "three with commas"),
        (("record", "MODEL", "--examples", "SET", "--std", "0"), "above 0"),
        (("record", "MODEL", "--examples", "SET", "--size", "99999"), "pixels large"),
        (("record", "MODEL", "--examples", "SET", "--names", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("record", "MODEL", "--examples", "SET", "--factory", "nowhere.py:build"), "takes a Python file"),
        (("record", "MODEL", "--examples", "SET", "--crops", "-1"), "invalid number"),
        (("probe", "MODEL", "--examples", "sae-probes/92_glue_sst2"), "classifier of images"),
        (("examples", "show", "patches/nowhere"), "no images called 'nowhere'"),
    ],
)
def test_every_mistake_gets_one_line(
    model: str, images: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    filled = [{"MODEL": model, "SET": images}.get(one, one) for one in arguments]
    assert sentence in fails(capsys, *filled)
