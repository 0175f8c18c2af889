"""The TCAV page with a tiny classifier of images: textures as concepts, classes as answers, regions coloured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.examples import open_images
from core.models import ImageModel, open_image_model
from core.tcav import Settings, make_inputs, make_target, tcav
from pages.shared.tcav_pictures import overlaid
from tests.pages import forget, open_alone, texts_of
from tests.tiny_images import tiny_image_directory


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_image_directory(tmp_path_factory.mktemp("pages"), "resnet"))


@pytest.fixture
def model(home: Path, directory: str) -> ImageModel:
    return open_image_model(directory)


def query(directory: str, **more: str) -> dict[str, str]:
    quick = {"cavs": "diffmean", "others": "0", "pushes": "0", "dealt": "99", "rows": "20", "asked": "10"}
    asked = {"images": "textures/striped", "with": "textures/dotted", "class": "class:1|0", "at": "1,2"}
    return {"model": directory, **asked, "pictures": "colours/red", **quick, **more}


def test_textures_are_tested_and_regions_coloured(model: ImageModel, directory: str) -> None:
    app = open_alone("tcav", **query(directory))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert "Press **Run the test**: 2 concepts, 2 layers and 10 inputs" in texts_of(app)
    answers = app.multiselect(key="class")
    assert answers.options[:2] == ["kind 0, sort 0", "kind 1, sort 1"]
    inputs = open_images("colours/red", limit=10)
    found = tcav(
        model,
        [open_images(f"textures/{name}", limit=20) for name in ("striped", "dotted")],
        [make_target(model, "class:1|0")],
        make_inputs("colours/red", inputs.images, inputs.groups),
        [1, 2],
        settings=Settings(("diffmean",), permutations=99),
        pushed=0,
    )
    app = open_alone("tcav", **query(directory, cell="0.1"))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Sign score"] == f"{found.results[0]['score']:.2f}"
    next(button for button in app.button if button.label == "Show the inputs").click().run()
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert len(app.get("image")) == 2 * min(4, found.results[0]["n_inputs"] // 2)
    assert "As the model is shown them" in texts_of(app)


def test_a_model_of_images_is_not_offered_where_texts_are_read(model: ImageModel, directory: str) -> None:
    app = open_alone("jobs", model=directory)
    assert not app.exception
    assert app.sidebar.selectbox(key="model").value != directory


def test_colours_lie_where_the_map_says() -> None:
    seen = np.full((40, 60, 3), 128, dtype=np.uint8)
    values = np.zeros((2, 3))
    values[0, 0], values[1, 2] = 1.0, -1.0
    made = overlaid(seen, values, 1.0).astype(int)
    assert made.shape == seen.shape
    assert made[0, 0, 0] - made[0, 0, 2] > 60  # vermilion: more red than blue
    assert made[-1, -1, 2] - made[-1, -1, 0] > 60
    assert np.ptp(made[0, -1]) < 12  # nothing there
