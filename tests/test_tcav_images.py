"""The known result on real images: stripes, before other textures, are what a zebra's logit depends on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.activations import class_gradients, record_images
from core.examples import open_images
from core.examples.image_sets import STAMPS
from core.models import open_image_model
from core.models.recording import forward
from core.tcav.analysis import Question, Settings, analyse
from core.tcav.concept import make_concept
from core.tcav.covariance import identity

TEXTURES = ("striped", "dotted", "chequered", "noise")
EACH = 100  # positives, and negatives: all there are


@pytest.mark.slow
@pytest.mark.skipif(not STAMPS.is_dir(), reason="needs Debian's package tuxpaint-stamps-default")
def test_stripes_before_other_textures_make_a_zebra(home: Path) -> None:
    model = open_image_model("efficientnet-lite0")
    inputs = open_images("stamps/zebra", limit=24)
    zebra = model.class_number("zebra")
    with torch.no_grad():
        seen = [forward(model, model.prepare([image.load()])).logits.argmax().item() for image in inputs.images]
    assert seen.count(zebra) >= 23
    deeper = model.maps[model.n_layers // 2 :]
    sites = [each.site for each in deeper]
    found = class_gradients(model, inputs.images, sites, zebra)
    concepts = []
    for name in TEXTURES:
        examples = open_images(f"textures/{name}", limit=2 * EACH)
        X = [
            np.concatenate([positives.load(), negatives.load()])
            for positives, negatives in zip(
                record_images(model, examples.images[:EACH], sites),
                record_images(model, examples.images[EACH:], sites),
                strict=True,
            )
        ]
        norms = [float(np.median(np.linalg.norm(rows, axis=1))) for rows in X]
        concepts.append(make_concept(name, X, examples.labels, examples.groups, norms))
    question = Question(
        layers=tuple(site.layer for site in sites),
        sites=tuple(map(str, sites)),
        metrics=tuple(identity(each.width) for each in deeper),
        gradients={"zebra": [found.at[site] for site in sites]},
        groups=np.arange(len(inputs)),
    )
    cells = analyse(concepts, question, Settings(kinds=("diffmean",)))
    mean = {
        name: np.mean([cell.kinds["diffmean"].scores.sign for cell in cells if cell.concept == name])
        for name in TEXTURES
    }
    assert all(mean["striped"] > mean[other] + 0.1 for other in TEXTURES[1:]), mean
    striped = [cell for cell in cells if cell.concept == "striped"]
    # The head is left out: behind it the logit is linear, so that all inputs have one gradient.
    assert all(cell.p_adjusted < 0.01 and cell.kinds["diffmean"].z > 0 for cell in striped[:-1])
