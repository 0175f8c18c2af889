"""TCAV of images from sets to the command line's JSON, on tiny models: right, or one sentence."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from core.examples.drawn import Drawn
from core.models import ImageModel, open_image_model
from core.tcav import make_target, word_target
from tests.commands import fails, run
from tests.test_tcav_texts import KEYS
from tests.tiny_images import tiny_image_directory


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One workspace for all tests here, with a short reference that is recorded once."""
    parent = tmp_path_factory.mktemp("tcav-images")
    short = tuple(Drawn("red", number, seed=2) for number in range(8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(parent / "home"))
        for name in ("core.tcav.image_reader", "core.activations.images_reference"):
            patch.setattr(f"{name}.reference_images", lambda: short)
        yield parent


@pytest.fixture(scope="module", params=["mobilenet_v2", "vit"])
def model(request: pytest.FixtureRequest, place: Path) -> ImageModel:
    return open_image_model(str(tiny_image_directory(place, request.param)))


@pytest.fixture(scope="module")
def files(place: Path) -> dict[str, str]:
    """Folders of noise in two tints, of odd sizes; `two` has one class, `few` two images."""
    rng = np.random.default_rng(0)
    made = {}
    for name, counts in {"tint": (12, 12), "other": (10, 10), "asked": (6, 0), "few": (2, 8), "alone": (9, 0)}.items():
        for kind, count in zip(("with", "without"), counts, strict=True):
            for number in range(count):
                pixels = rng.integers(0, 200, (20 + number, 31 - number, 3))
                pixels[..., 0] += 50 * (kind == "with")
                path = place / name / kind / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                PIL.Image.fromarray(pixels.astype(np.uint8)).save(path)
        made[name] = str(place / name)
    # What people have: one pixel, and shades of grey.
    PIL.Image.new("RGB", (1, 1), "red").save(place / "asked" / "with" / "pixel.png")
    PIL.Image.fromarray(rng.integers(0, 255, (9, 40), dtype=np.uint8)).save(place / "asked" / "with" / "grey.png")
    return made


def arguments(model: ImageModel, files: dict[str, str], **changed: str) -> list[str]:
    usual = {
        "concepts": files["tint"],
        "target": "class:kind 2, sort 2",
        "inputs": files["asked"],
        "layers": "1,2",
        "controls": "0",
        "pushed": "2",
        "permutations": "99",
    }
    return [part for name, value in (usual | changed).items() for part in (f"--{name}", value)]


def test_the_command_gives_its_keys_and_finds_its_result_again(
    place: Path, model: ImageModel, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(model, files, concepts=f"{files['tint']},{files['other']}")
    directory = str(place / model.id.split("/")[-1])
    found = run(capsys, "tcav", directory, *given)
    assert [(one["concept"], one["layer"]) for one in found["results"]] == [
        (files[name], layer) for name in ("tint", "other") for layer in (1, 2)
    ]
    for one in found["results"]:
        assert set(one) >= KEYS
        assert 0 <= one["score_ci"][0] <= one["score_ci"][1] <= 1
        assert 1 <= one["push_rank"] <= 21
        assert one["site"] == str(model.site(one["layer"]))
    assert [one["n_inputs"] for one in found["results"]] == [8] * 4
    assert [(one["n_positives"], one["n_negatives"]) for one in found["results"][::2]] == [(12, 12), (10, 10)]
    assert run(capsys, "tcav", directory, *given)["cached"] is True
    # What decides pixels decides numbers.
    darker = run(capsys, "tcav", directory, *given, "--mean", "0.9")
    assert darker["cached"] is False
    assert darker["results"][0]["score"] != found["results"][0]["score"] or (
        darker["results"][0]["mean_cosine"] != found["results"][0]["mean_cosine"]
    )
    path = model.maps[1].site.module
    named = run(capsys, "tcav", directory, *given, "--layers", path, "--cavs", "diffmean", "--pushed", "0")
    assert [one["site"] for one in named["results"]] == [f"{path} output"] * 2


def test_a_set_without_negatives_takes_those_it_is_given(
    place: Path, model: ImageModel, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory = str(place / model.id.split("/")[-1])
    given = arguments(model, files, concepts=files["alone"], layers="1", pushed="0", cavs="diffmean")
    assert "holds no negatives" in fails(capsys, "tcav", directory, *given)
    (one,) = run(capsys, "tcav", directory, *given, "--negatives", files["other"])["results"]
    assert (one["n_positives"], one["n_negatives"]) == (9, 10)
    (one,) = run(capsys, "tcav", directory, *given, "--against", files["tint"])["results"]
    assert (one["n_positives"], one["n_negatives"]) == (9, 12)
    with_crops = run(capsys, "tcav", directory, *given, "--negatives", files["other"], "--crops", "1")
    assert with_crops["results"][0]["n_positives"] == 18
    assert any("only 9 independent" in note for note in with_crops["notes"]), "crops are no new evidence"


def bomb() -> bytes:
    """A PNG of 100,000 x 100,000 pixels by its header, in a zip file."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"0" * 10**6)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", png)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"target": "class:zebra"}, "no class called 'zebra'"),
        ({"target": "class:99"}, "no class 99"),
        ({"target": "class:1|1"}, "against itself"),
        ({"target": "class:"}, "one class or one against another"),
        ({"target": "class:1|2|3"}, "one class or one against another"),
        ({"target": "good|bad"}, "a target is one of them, such as class:kind 0, sort 0"),
        ({"concepts": "FEW"}, "only 2 independent positives"),
        ({"concepts": "BOMB"}, "pixels; at most"),
        ({"concepts": "textures/plaid"}, "no texture 'plaid'"),
        ({"concepts": "sae-probes/92_glue_sst2"}, "no images called"),
        ({"inputs": "nowhere"}, "no images called 'nowhere'"),
        ({"layers": "99"}, "no layer 99"),
        ({"layers": "nowhere"}, "no module 'nowhere'"),
        ({"mark": "##"}, "--mark is for texts"),
        ({"pool": "last"}, "mean over all positions"),
        ({"negatives": "ALONE"}, "holds no negatives"),
    ],
)
def test_every_mistake_gets_one_line(
    place: Path,
    model: ImageModel,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    sentence: str,
) -> None:
    (place / "bomb.zip").write_bytes(bomb())
    names = {"FEW": files["few"], "ALONE": files["alone"], "BOMB": str(place / "bomb.zip")}
    change = {name: names.get(value, value) for name, value in change.items()}
    directory = str(place / model.id.split("/")[-1])
    assert sentence in fails(capsys, "tcav", directory, *arguments(model, files, **change))


def test_calibration_and_scan(
    place: Path, model: ImageModel, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory = str(place / model.id.split("/")[-1])
    usual = ("--target", "class:1", "--inputs", files["asked"], "--permutations", "39", "--pushed", "0")
    found = run(
        capsys,
        *("tcav", "calibrate", directory, "--negatives", files["tint"], "--concept", files["other"], "--layers", "1"),
        *("--size", "5", "--runs", "3", "--controls", "0", "--pixels", "32", *usual),
    )
    assert {"false_positive_rate", "supported_orthogonal", "power", "runs"} <= set(found)
    assert 0 <= found["power"] <= 1
    names = ",".join([files["tint"], files["other"], files["few"]])
    ranked = run(
        capsys,
        *("tcav", "scan", directory, "--concepts", names, "--layer", "2", "--controls", "0", "--cavs", "diffmean"),
        *usual,
    )
    assert [one["rank"] for one in ranked["results"]] == [1, 2]
    assert any("only 2 independent" in note for note in ranked["notes"])


def test_a_size_that_the_network_does_not_take(
    place: Path, model: ImageModel, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    if not model.id.endswith("vit"):
        pytest.skip("convolutions take every size")
    directory = str(place / model.id.split("/")[-1])
    said = fails(capsys, "tcav", directory, *arguments(model, files), "--size", "24")
    assert "does not run on images of 24 x 24 pixels" in said


def test_a_model_of_words_has_no_classes(tiny: object) -> None:
    from core.errors import UserError
    from core.models import Model

    assert isinstance(tiny, Model)
    with pytest.raises(UserError, match="has no classes"):
        make_target(tiny, "class:zebra")
    assert make_target(tiny, "the|and") == word_target(tiny, "the|and")
