"""Parts of an image: the shares of positions, against plain autograd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification

from core.errors import UserError
from core.examples import open_images
from core.models import open_image_model
from core.tcav import make_target
from core.tcav.maps import concept_maps, grid_of
from tests.tiny_images import tiny_image_directory


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_shares_are_those_of_plain_autograd(home: Path, tmp_path: Path, kind: str) -> None:
    directory = tiny_image_directory(tmp_path, kind)
    model = open_image_model(str(directory))
    network = AutoModelForImageClassification.from_pretrained(directory, dtype=torch.float32).eval()
    layer = model.n_layers // 2
    site, place = model.site(layer), model.map_of(model.site(layer))
    cav = np.random.default_rng(0).standard_normal(place.width)
    cav /= np.linalg.norm(cav)
    images = open_images("textures/striped", limit=4).images[:2]
    target = make_target(model, "class:1|0")
    found = concept_maps(model, target, images, site, cav)
    for image, one in zip(images, found, strict=True):
        held: list[torch.Tensor] = []

        def keep(module: object, inputs: object, output: object, held: list[torch.Tensor] = held) -> None:
            held.append(output[0] if isinstance(output, tuple) else output)  # type: ignore[arg-type]

        hook = dict(network.named_modules())[site.module].register_forward_hook(keep)
        logits = network(model.prepare([image.load()])["pixel_values"]).logits[0]
        hook.remove()
        (gradient,) = torch.autograd.grad(logits[1] - logits[0], held[-1])
        direction = torch.tensor(cav, dtype=torch.float32)
        if place.axis == 1:
            expected = (gradient[0] * direction[:, None, None]).sum(dim=0)
            assert one.values.shape == tuple(expected.shape)
            total, apart = expected.sum(), torch.zeros(())
        else:
            each = gradient[0] @ direction
            side = int((len(each) - 1) ** 0.5)
            expected, total = each[1:].reshape(side, side), each.sum()  # the first token is that of the class
            apart = each[0]
        np.testing.assert_allclose(one.values, expected.numpy(), rtol=1e-3, atol=1e-7)
        assert one.unplaced == pytest.approx(float(apart), rel=1e-3, abs=1e-7)
        assert one.derivative == pytest.approx(float(total), rel=1e-3, abs=1e-7)
        assert one.value == pytest.approx(float((logits[1] - logits[0]).detach()), abs=1e-5)
        assert one.seen.shape == (*model.preprocessing.size, 3)


def test_places_are_found_behind_tokens_that_have_none() -> None:
    assert grid_of((7, 5)) == (7, 5, 0)
    assert grid_of((197,)) == (14, 14, 1)
    assert grid_of((261,)) == (16, 16, 5)  # a class token and four registers
    for positions in ((), (3,), (250,)):
        with pytest.raises(UserError, match="no places"):
            grid_of(positions)
