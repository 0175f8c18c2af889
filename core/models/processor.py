"""The preprocessing of a model directory, as its image processor would do it.

transformers' processors are asked for their settings, defaults of their class included, in the form that needs no
torchvision. Whether these settings mean what we take them for is then tried: both are given the same images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.models.preprocessing import RESAMPLING, Preprocessing

FILE = "preprocessor_config.json"
SHAPES = ((61, 97), (400, 301), (20, 20), (3, 2))  # of the images that both are given: odd, large, small, tiny


def read_preprocessing(directory: Path, config: Any) -> tuple[Preprocessing, list[str]]:
    """The preprocessing of a model directory, and sentences about what was assumed.

    config: the model's, which tells the size where there is no processor. Raises UserError if the processor does
    something that is not known here.
    """
    if not (directory / FILE).is_file():
        size = _pair(getattr(config, "image_size", None) or 224)
        note = f"There is no {FILE}: size {size[0]} x {size[1]}, mean 0.5 and deviation 0.5 are assumed."
        return Preprocessing(size, None, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), [note]
    processor = _load(directory)
    found = _understood(processor)
    if not _agree(processor, found):
        raise UserError(
            f"The image processor {type(processor).__name__} of {directory.name} does something that is not known here;"
            f" remove {FILE} and give size, mean and deviation by hand."
        )
    return found, []


def _load(directory: Path) -> Any:
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            directory, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, LookupError, TypeError, ImportError, AttributeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"The {FILE} of {directory.name} cannot be used: {reason}") from error


def _understood(processor: Any) -> Preprocessing:
    def get(name: str, otherwise: Any = None) -> Any:
        value = getattr(processor, name, None)
        return otherwise if value is None else value

    resize: tuple[int, int] | int | None = None
    crop: tuple[int, int] | None = None
    if get("do_resize"):
        resize = _size(get("size"))
        if isinstance(resize, int) and "ConvNext" in type(processor).__name__:
            # Trained with 224 of 256 pixels at small sizes, and stretched to a square at large ones.
            crop = (resize, resize) if resize < 384 else None
            resize = int(resize / get("crop_pct", 224 / 256)) if resize < 384 else (resize, resize)
        elif isinstance(resize, int) and "Levit" in type(processor).__name__:
            resize = int(256 / 224 * resize)
    if get("do_center_crop"):
        crop = _pair(_size(get("crop_size")))
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if get("do_normalize"):
        mean, std = _triple(get("image_mean")), _triple(get("image_std"))
    if get("do_rescale") and get("rescale_offset"):
        mean = _triple([value + 1 for value in mean])
    if get("include_top"):
        # EfficientNet divides by the deviation once more.
        std = _triple([value * other for value, other in zip(std, _triple(get("image_std")), strict=True)])
    names = {int(value): name for name, value in RESAMPLING.items()}
    return Preprocessing(
        resize=resize,
        crop=crop,
        mean=mean,
        std=std,
        resample=names.get(int(get("resample", 2)), "bilinear"),
        scale=float(get("rescale_factor", 1 / 255)) if get("do_rescale") else 1.0,
        channels="BGR" if get("do_flip_channel_order") else "RGB",
    )


def _agree(processor: Any, ours: Preprocessing) -> bool:
    """Whether both make the same pixels of images of noise."""
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        try:
            theirs = np.asarray(processor(image, input_data_format="channels_last")["pixel_values"][0])
        except (ValueError, TypeError, KeyError, RuntimeError):
            return False
        mine = ours.pixels([image])[0].numpy()
        if theirs.shape != mine.shape or not np.allclose(theirs, mine, rtol=1e-4, atol=1e-4):
            return False
    return True


def _size(size: Any) -> tuple[int, int] | int:
    """(height, width), or the shorter edge, of what a processor calls `size`."""
    if isinstance(size, int):
        return size, size
    get = size.get if isinstance(size, dict) else lambda name: getattr(size, name, None)
    tall, wide, short = get("height"), get("width"), get("shortest_edge")
    if tall and wide:
        return int(tall), int(wide)
    if short and not get("longest_edge"):
        return int(short)
    raise UserError(f"The {FILE} asks for images of the size {size}, which is not known here.")


def _pair(size: Any) -> tuple[int, int]:
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))


def _triple(values: Any) -> tuple[float, float, float]:
    found = [float(value) for value in values] if isinstance(values, list | tuple) else [float(values)] * 3
    if len(found) != 3:
        raise UserError(f"The {FILE} names {len(found)} channels; only images with 3 channels are read here.")
    return found[0], found[1], found[2]
