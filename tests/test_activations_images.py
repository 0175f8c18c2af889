"""Stored activations and gradients of images: pooled rightly, and never those of another image or preprocessing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from core.activations import class_gradients, record_images
from core.activations import images as images_room
from core.activations.images_reference import measure
from core.errors import UserError
from core.examples import open_folder
from core.models import ImageModel, edit, open_image_model
from core.models.recording import forward
from tests.tiny_images import tiny_image_directory


@pytest.fixture(scope="module", params=["resnet", "vit"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ImageModel:
    parent = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(parent / "home"))
        return open_image_model(str(tiny_image_directory(parent, request.param)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "set").mkdir()
    for number in range(11):
        coarse = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        pixels = np.kron(coarse, np.ones((8 + number, 11, 1), np.uint8))
        PIL.Image.fromarray(pixels).save(tmp_path / "set" / f"{number:02}.png")
    return tmp_path / "set"


@pytest.fixture(autouse=True)
def small_shards(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images_room, "SHARD", 4)


def test_what_is_stored_is_the_global_average(model: ImageModel, folder: Path) -> None:
    examples = open_folder(folder)
    sites = [each.site for each in model.maps]
    stores = record_images(model, examples.images, sites)
    assert all(store.recipe.n_shards == 3 and not store.cached for store in stores)
    # Independently: hooks of our own, one image at a time.
    for each, store in zip(model.maps, stores, strict=True):
        assert store.load().shape == (11, each.width)
        seen: list[torch.Tensor] = []
        module = model.network.get_submodule(each.site.module)
        handle = module.register_forward_hook(lambda _m, _a, out, seen=seen: seen.append(out))
        with torch.no_grad():
            for image in examples.images:
                model.network(model.preprocessing.pixels([image.load()]))
        handle.remove()
        raw = [out[0] if isinstance(out, tuple) else out for out in seen]
        expected = torch.cat([h.mean(dim=(2, 3)) if h.dim() == 4 else h.mean(dim=1) for h in raw]).numpy()
        np.testing.assert_allclose(store.load(), expected, atol=1e-5 * np.abs(expected).max())
    again = record_images(model, examples.images, sites)
    assert all(store.cached for store in again)


def test_a_changed_image_or_preprocessing_is_never_read_from_the_old_store(model: ImageModel, folder: Path) -> None:
    site = model.maps[1].site
    before = record_images(model, open_folder(folder).images, [site])[0]
    # The same path, another image.
    PIL.Image.fromarray(np.full((20, 20, 3), 200, np.uint8)).save(folder / "03.png")
    after = record_images(model, open_folder(folder).images, [site])[0]
    assert after.recipe.key != before.recipe.key
    changed = np.flatnonzero(np.abs(after.load() - before.load()).max(axis=1) > 1e-6)
    assert changed.tolist() == [3]
    # The same images under other names, in another place: what is stored is used again.
    moved = folder.rename(folder.parent / "elsewhere")
    assert record_images(model, open_folder(moved).images, [site])[0].cached
    darker = replace(model, preprocessing=replace(model.preprocessing, mean=(0.7, 0.5, 0.5)))
    other = record_images(darker, open_folder(moved).images, [site])[0]
    assert other.recipe.key != after.recipe.key
    assert np.abs(other.load() - after.load()).max() > 1e-3


def test_gradients_say_what_a_push_at_every_position_does(model: ImageModel, folder: Path) -> None:
    examples = open_folder(folder)
    chosen = [model.maps[0], model.maps[-2]]
    found = class_gradients(model, examples.images, [each.site for each in chosen], 3)
    inputs = model.prepare([image.load() for image in examples.images])
    with torch.no_grad():
        np.testing.assert_allclose(found.values, forward(model, inputs).logits[:, 3].numpy(), rtol=1e-4, atol=1e-5)
    double = replace(model, network=model.network.double(), dtype=torch.float64)
    try:
        inputs = double.prepare([image.load() for image in examples.images])
        generator = torch.Generator().manual_seed(1)
        for each in chosen:
            push = torch.randn(each.width, generator=generator, dtype=torch.float64)
            shaped = push[:, None, None] if each.axis == 1 else push
            ends = []
            for size in (1e-7, -1e-7):
                with torch.no_grad(), edit(double, {each.site: lambda h, s=size, p=shaped: h + s * p}):
                    ends.append(forward(double, inputs).logits[:, 3])
            slope = ((ends[0] - ends[1]) / 2e-7).numpy()
            assert found.at[each.site].shape == (11, each.width)
            np.testing.assert_allclose(found.at[each.site] @ push.numpy(), slope, rtol=2e-3, atol=1e-4)
    finally:
        model.network.float()
    again = class_gradients(model, examples.images, [chosen[0].site], 3)
    assert np.array_equal(again.at[chosen[0].site], found.at[chosen[0].site])
    other = class_gradients(model, examples.images, [chosen[0].site], 4)
    assert np.abs(other.values - found.values).max() > 1e-3


def test_a_stopped_recording_goes_on_and_a_damaged_shard_is_made_anew(
    model: ImageModel, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    examples, site = open_folder(folder), model.maps[2].site
    whole = record_images(model, examples.images, [site])[0]
    expected = [(whole.path / f"shard-0000{n}.safetensors").read_bytes() for n in range(3)]
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "second"))
    seen: list[int] = []

    class Stopped(Exception):
        pass

    def stop(moment: object) -> None:
        seen.append(moment.done)  # type: ignore[attr-defined]
        if moment.done > 4:  # type: ignore[attr-defined]
            raise Stopped

    with pytest.raises(Stopped):
        record_images(model, examples.images, [site], progress=stop)
    seen.clear()
    store = record_images(model, examples.images, [site], progress=lambda moment: seen.append(moment.done))[0]
    assert min(seen) > 4
    assert [(store.path / f"shard-0000{n}.safetensors").read_bytes() for n in range(3)] == expected
    (store.path / "shard-00001.safetensors").write_bytes(b"x" * 100)
    mended = record_images(model, examples.images, [site])[0]
    assert mended.repaired == ["shard-00001.safetensors"]
    assert np.array_equal(mended.load(), whole.load())


def test_two_writers_fill_one_store(model: ImageModel, folder: Path) -> None:
    examples, site = open_folder(folder), model.maps[1].site
    store = record_images(model, examples.images, [site], writer=(1, 2))[0]
    assert set(store.entries()) == {1}
    store = record_images(model, examples.images, [site], writer=(0, 2))[0]
    assert store.is_complete()


def test_when_memory_runs_out_the_batch_halves(
    model: ImageModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def too_much(model: ImageModel, inputs: dict, sites: list) -> dict:
        sizes.append(len(inputs["pixel_values"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, inputs, sites)

    real = images_room.record
    monkeypatch.setattr(images_room, "record", too_much)
    store = record_images(model, open_folder(folder).images, [model.maps[1].site])[0]
    assert store.load().shape[0] == 11
    assert [entry.batch_tokens for entry in store.entries().values()] == [2, 2, 2]
    monkeypatch.setattr(images_room, "record", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(UserError, match="not enough memory to read one image"):
        record_images(model, open_folder(folder).images, [model.maps[0].site])


def test_what_is_not_finite_is_named(model: ImageModel, folder: Path) -> None:
    broken = replace(model, preprocessing=replace(model.preprocessing, std=(1e-45, 1.0, 1.0)))
    with pytest.raises(UserError, match=r"\d\d\.png has activations at .* that are not finite"):
        record_images(broken, open_folder(folder).images, [model.maps[-1].site])
    with pytest.raises(UserError, match=r"The reference has activations of .* that are not finite"):
        measure(broken, [model.maps[-1].site], open_folder(folder).images)
    with pytest.raises(UserError, match="nothing to read"):
        record_images(model, [], [model.maps[0].site])
