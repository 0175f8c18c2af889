"""Pixels are made exactly as a model's own image processor makes them."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.models import Preprocessing
from core.models.processor import read_preprocessing

SETTINGS = [
    {"image_processor_type": "ViTImageProcessor", "size": {"height": 24, "width": 32}},
    {"image_processor_type": "ViTImageProcessor", "size": 24, "resample": 0, "do_rescale": False},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 28}, "crop_pct": 0.9},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
    {"image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 40}, "crop_size": 29},
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 20}, "crop_size": 33, "resample": 1},
    {"image_processor_type": "EfficientNetImageProcessor", "size": 24, "rescale_offset": True, "rescale_factor": 0.01},
    {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 30}, "crop_size": 24},
    {"image_processor_type": "LevitImageProcessor", "size": {"shortest_edge": 28}, "crop_size": 28},
    {"image_processor_type": "BitImageProcessor", "do_resize": False, "crop_size": 19, "do_normalize": False},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_preprocessing_equals_that_of_transformers(settings: dict, tmp_path: Path) -> None:
    from transformers import AutoImageProcessor

    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    theirs = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    ours, notes = read_preprocessing(tmp_path, None)
    assert notes == []
    rng = np.random.default_rng(3)
    for shape in ((31, 57), (90, 44), (16, 16), (1, 1), (223, 224)):
        image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        expected = theirs(image, input_data_format="channels_last")["pixel_values"][0]
        np.testing.assert_allclose(ours.pixels([image])[0].numpy(), expected, atol=2e-5, err_msg=str(shape))


def test_a_processor_that_does_something_else_is_refused(tmp_path: Path) -> None:
    settings = {"image_processor_type": "PoolFormerImageProcessor", "size": {"shortest_edge": 24}, "crop_size": 24}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=r"does something that is not known here"):
        read_preprocessing(tmp_path, None)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(UserError, match=r"cannot be used"):
        read_preprocessing(tmp_path, None)


def test_a_strip_of_pixels_does_not_become_a_gigantic_image() -> None:
    preprocessing = Preprocessing(256, (224, 224), (0.5,) * 3, (0.5,) * 3)
    assert preprocessing.framed(np.zeros((1, 60_000, 3), np.uint8)).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"resize": 256, "crop": None}, "different shapes"),
        ({"resize": (0, 8), "crop": None}, "pixels large"),
        ({"resize": None, "crop": (9999, 8)}, "pixels large"),
        ({"resize": (8, 8), "crop": None, "std": (1.0, 0.0, 1.0)}, "deviation"),
        ({"resize": (8, 8), "crop": None, "resample": "magic"}, "no resampling"),
    ],
)
def test_impossible_preprocessing_gets_a_sentence(values: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Preprocessing(**{"mean": (0.5,) * 3, "std": (0.5,) * 3, **values})


@pytest.mark.parametrize("resize", [None, (8, 8)])
def test_of_images_that_are_loaded_one_by_one_no_two_are_held(resize: tuple[int, int] | None) -> None:
    seen: list[weakref.ref[np.ndarray]] = []

    def loaded() -> Iterator[np.ndarray]:
        for number in range(5):
            assert sum(one() is not None for one in seen) <= 1
            image = np.full((60, 80, 3), number, np.uint8)
            seen.append(weakref.ref(image))
            yield image
            del image

    pixels = Preprocessing(resize, (8, 8), (0.5,) * 3, (0.5,) * 3).pixels(loaded())
    assert pixels.shape == (5, 3, 8, 8)
    assert len(pixels.unique()) == 5
