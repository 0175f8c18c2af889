"""Images as TCAV reads them: gradients, real pushes and typical norms against hooks of our own; what is one image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from core.activations.images_reference import typical_image_norms
from core.examples import open_folder, open_images
from core.examples.drawn import Drawn
from core.examples.reference_images import reference_images
from core.models import ImageModel, open_image_model
from core.tcav import make_inputs, make_target, pool_of, reader_of
from core.tcav.cavs import KINDS
from core.tcav.changes import changes
from core.tcav.concept import Concept
from core.tcav.covariance import identity
from core.tcav.disjoint import kept_inputs
from core.tcav.image_controls import kin_of, open_image_controls
from core.tcav.pushing_images import pushed_values
from core.tcav.sources import source_of
from core.tcav.specificity import readable_controls, specificity
from tests.test_tcav_verdict import D, concept_of
from tests.tiny_images import tiny_image_directory


@pytest.fixture(scope="module", params=["mobilenet_v2", "vit"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageModel]:
    """A tiny model in a workspace of its own, with a short reference."""
    parent = tmp_path_factory.mktemp("tcav-images")
    short = tuple(Drawn("red", number, seed=2) for number in range(8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(parent / "home"))
        for name in ("core.tcav.image_reader", "core.activations.images_reference"):
            patch.setattr(f"{name}.reference_images", lambda: short)
        yield open_image_model(str(tiny_image_directory(parent, request.param)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of odd sizes."""
    rng, place = np.random.default_rng(0), tmp_path_factory.mktemp("asked")
    for number in range(8):
        PIL.Image.fromarray(rng.integers(0, 256, (20 + number, 31 - number, 3), dtype=np.uint8)).save(
            place / f"{number}.png"
        )
    return place


def test_pushes_are_plain_ones_wherever_they_are_made(model: ImageModel, folder: Path) -> None:
    target = make_target(model, "class:3|1")
    images = open_folder(folder).images[:3]
    inside = {"mobilenet_v2": "mobilenet_v2.layer.2.conv_3x3", "vit": "vit.layers.1.mlp"}
    sites = [each.site for each in model.maps[1:3]]
    sites += [model.site(path) for path in inside.values() if path in dict(model.network.named_modules())]
    assert len(sites) == 3, "a module inside a block too"
    for site in sites:
        seen = model.map_of(site)
        moves = np.random.default_rng(0).standard_normal((3, seen.width)) * np.array([[0], [1], [5]])
        found = pushed_values(model, target, images, site, moves)
        # Independently: a hook of our own, one image and one push at a time.
        for row, image in enumerate(images):
            for number, move in enumerate(moves):
                added = torch.tensor(move, dtype=torch.float32)
                added = added if seen.axis == -1 else added[:, None, None]

                def hook(_m: object, _a: object, out: object, added: torch.Tensor = added) -> object:
                    return (out[0] + added, *out[1:]) if isinstance(out, tuple) else out + added

                handle = model.network.get_submodule(site.module).register_forward_hook(hook)
                with torch.no_grad():
                    logits = model.network(model.preprocessing.pixels([image.load()])).logits[0]
                handle.remove()
                assert found[number, row] == pytest.approx(float(logits[3] - logits[1]), abs=2e-5)


def test_gradients_are_finite_differences_of_pushes(model: ImageModel, folder: Path) -> None:
    precise = dataclasses.replace(
        model, network=model.network.double(), dtype=torch.float64, fingerprint=f"{model.fingerprint} precise"
    )
    try:
        target, images = make_target(precise, "class:0|4"), open_folder(folder).images[:2]
        each = precise.maps[1]
        found = reader_of(precise).gradients(target, images, [each.site], lambda _: None)
        axes, step = np.eye(each.width), 1e-6
        up, down = (pushed_values(precise, target, images, each.site, way * step * axes) for way in (1, -1))
        expected = ((up - down) / (2 * step)).T
        assert found.at[each.site] == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())
        plain = pushed_values(precise, target, images, each.site, np.zeros((1, each.width)))[0]
        assert found.values == pytest.approx(plain, abs=1e-6)
    finally:
        model.network.float()


def test_doses_count_in_typical_norms_of_positions(model: ImageModel, folder: Path) -> None:
    reader, target = reader_of(model), make_target(model, "class:1")
    site, images = model.maps[2].site, open_folder(folder).images[:2]
    norm = typical_image_norms(model, [site])[site]
    assert norm.n_texts == 8
    every = []
    for number in range(8):
        seen: list[torch.Tensor] = []
        handle = model.network.get_submodule(site.module).register_forward_hook(
            lambda _m, _a, out, s=seen: s.append(out)
        )
        with torch.no_grad():
            model.network(model.preprocessing.pixels([Drawn("red", number, seed=2).load()]))
        handle.remove()
        h = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
        every.append(model.map_of(site).flat(h)[0].norm(dim=-1))
    assert norm.median == pytest.approx(float(torch.cat(every).median()), rel=1e-4)
    assert norm.n_tokens == len(torch.cat(every))
    directions = np.eye(model.maps[2].width)[:2]
    found = changes(reader, target, images, site, directions, [-0.5, 0.1])
    plain = pushed_values(model, target, images, site, 0 * directions)[0]
    pushed = pushed_values(model, target, images, site, 0.1 * norm.median * directions)
    assert found[:, 1] == pytest.approx(pushed - plain, abs=2e-5)


def test_an_image_and_what_is_cut_from_it_are_one(folder: Path) -> None:
    asked = open_images(str(folder))
    inputs = make_inputs("asked", asked.images, asked.groups)
    pool = pool_of(open_images(f"patches/{folder}", limit=16))
    source = source_of(open_images("textures/striped", limit=8), pool)
    kept = kept_inputs(inputs, [source.items])
    assert 0 < len(kept) < len(asked), "every input has patches; some are used on the one side, some on the other"
    assert len(kept_inputs(inputs, [source_of(open_images("textures/striped", limit=8)).items])) == len(asked)
    crops = open_images(str(folder), crops=2)
    assert {image.content for image in crops.images} == {image.content for image in asked.images}
    reference = {image.content for image in reference_images()}
    assert len(reference) == 2000
    drawn = [*open_images("textures/noise").images, *open_images("patches/mixed").images]
    assert not reference & {image.content for image in drawn}


def test_a_control_that_is_made_of_the_concept_is_none() -> None:
    controls = open_image_controls()
    assert len({one.id for one in controls}) == 60
    assert {(one.n_positives, one.n_negatives) for one in controls} == {(50, 50)}
    for name in ("textures/striped", "colours/red"):
        assert 1 <= sum(name in kin_of(one.id) for one in controls) <= 20, "40 are left"
    assert kin_of("textures/striped") == frozenset()
    rng = np.random.default_rng(0)
    concept = concept_of(rng, np.ones(D), "one", 20)
    others = [concept_of(rng, rng.standard_normal(D), f"other {n}", 20) for n in range(41)]
    rivals = [dataclasses.replace(concept, name="one against two", kin=frozenset({"one", "two"}))]
    gradients = np.ones((1, D))

    def share(controls: list[Concept]) -> tuple[float, int]:
        compared = readable_controls(controls, 0, KINDS["diffmean"], identity(D))
        (found,) = specificity(concept, 0, KINDS["diffmean"], identity(D), 1.0, gradients, compared)
        assert found is not None
        return found.share, found.controls

    assert share(others) == share([*others, *rivals])
