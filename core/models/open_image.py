"""Opening a classifier of images from a bundled id, a directory, a hub id, or the user's own Python factory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from core.errors import UserError
from core.models.bundled import LITE_TYPE
from core.models.class_names import imagenet_names, names_of_config, read_names
from core.models.device import DTYPES, choose_device
from core.models.efficientnet_lite import CLASSES, EfficientNetLite0
from core.models.factory import build
from core.models.feature_maps import find_maps
from core.models.image_model import ImageModel, logits_of
from core.models.kinds import reads_images
from core.models.loading import UNREADABLE, reason, require_all_weights
from core.models.needs import require_memory, require_room
from core.models.preprocessing import Preprocessing
from core.models.processor import read_preprocessing
from core.models.shelf import remember
from core.models.source import Source, find_source, read_config
from core.models.spread import SPREAD
from core.models.unchanged import OpenedFiles

# As its authors evaluate it: 224 of 256 pixels (a border of 32), values from -1 to 1 in steps of 1/128.
LITE0 = Preprocessing(256, (224, 224), (127 / 255,) * 3, (128 / 255,) * 3, resample="bicubic")


@dataclass(frozen=True)
class _Opened:
    """What each way of opening gives."""

    id: str
    network: Any
    fingerprint: str
    preprocessing: Preprocessing
    names: tuple[str, ...] | None
    notes: tuple[str, ...] = ()
    source: Source | None = None
    files: OpenedFiles | None = None


def open_image_model(
    spec: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    factory: str | None = None,
    names: Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> ImageModel:
    """Load the classifier of images that `spec` names, ready to be recorded.

    spec: `efficientnet-lite0`, a local directory or a hub id of an `AutoModelForImageClassification`; or, with a
    factory, what that is given. device: as for `open_model`. dtype: float32 unless said otherwise. factory:
    `file.py:build`, which runs that file: only ever what the user typed on the command line. names: a file of class
    names. changes: fields of Preprocessing that replace those of the model.

    Raises UserError if the model cannot be opened, or needs more memory than is free.
    """
    if device == SPREAD:
        raise UserError(f"A model for images is opened in one place; choose a device for it, not {SPREAD}.")
    chosen = choose_device(device)
    if dtype is not None and dtype not in DTYPES:
        raise UserError(f"There is no dtype {dtype!r}; there are {', '.join(DTYPES)}.")
    precision = DTYPES[dtype or "float32"]
    if factory is not None:
        opened = _built(spec, factory)
    else:
        source = find_source(spec)
        require_room(source, chosen, precision)
        require_memory(source, torch.float32)  # as which it is built, wherever it goes then
        opened = _loaded(source)
    network = opened.network.to(chosen, precision).eval().requires_grad_(False)
    preprocessing = replace(opened.preprocessing, **(changes or {}))
    try:
        maps = find_maps(network, lambda pixels: logits_of(network(pixels)), preprocessing.size)
    except (ValueError, RuntimeError) as error:
        if isinstance(error, UserError) or preprocessing.size == opened.preprocessing.size:
            raise
        size = " x ".join(map(str, preprocessing.size))
        raise UserError(f"{opened.id} does not run on images of {size} pixels: {str(error).splitlines()[0]}") from error
    layout, classes = _arranged(network, torch.zeros((1, 3, *preprocessing.size), device=chosen, dtype=precision))
    known = opened.names if opened.names is not None and len(opened.names) == classes else None
    model = ImageModel(
        id=opened.id,
        network=network,
        device=chosen,
        dtype=precision,
        fingerprint=opened.fingerprint,
        files=opened.files,
        maps=maps,
        class_names=read_names(names, classes) if names is not None else known or names_of_config(None, classes),
        preprocessing=preprocessing,
        notes=opened.notes,
        layout=layout,
    )
    if opened.source is not None:
        remember(opened.source, model.n_layers, model.width, "image")
    return model


def _arranged(network: Any, pixels: Tensor) -> tuple[torch.memory_format, int]:
    """Put the network into the layout of memory that suits it; returns that and the number of its classes.

    Convolutions are up to twice as fast with channels last. Some networks do not run so, since they look at their
    tensors as if they lay in the usual order.
    """
    with torch.no_grad():
        plain = logits_of(network(pixels))
        try:
            network.to(memory_format=torch.channels_last)
            again = logits_of(network(pixels.contiguous(memory_format=torch.channels_last)))
            if torch.allclose(plain, again, rtol=1e-3, atol=1e-3 * float(plain.abs().max())):
                return torch.channels_last, plain.shape[1]
        except RuntimeError:
            pass
    network.to(memory_format=torch.contiguous_format)
    return torch.contiguous_format, plain.shape[1]


def _built(spec: str, factory: str) -> _Opened:
    made = build(factory, spec)
    preprocessing = made.preprocessing or Preprocessing((224, 224), None, (0.5,) * 3, (0.5,) * 3)
    note = "Size 224 x 224, mean 0.5 and deviation 0.5 are assumed, since the factory names no preprocessing."
    notes = () if made.preprocessing else (note,)
    return _Opened(spec, made.network, made.fingerprint, preprocessing, made.class_names, notes)


def _loaded(source: Source) -> _Opened:
    if source.gguf is not None or source.adapter is not None:
        raise UserError(f"{source.id} is no classifier of images; GGUF files and adapters are opened as texts' models.")
    files = OpenedFiles(source)
    config = read_config(source.directory / "config.json")
    made = partial(_Opened, source.id, source=source, files=files)
    if config.get("model_type") == LITE_TYPE:
        network = EfficientNetLite0()
        network.load_state_dict(load_file(source.directory / "model.safetensors"))
        return made(network=network, fingerprint=files.fingerprint(), preprocessing=LITE0, names=imagenet_names())
    if not reads_images(config):
        raise UserError(f"{source.id} is no classifier of images: its config.json does not say ForImageClassification.")
    network = _from_transformers(source)
    preprocessing, notes = read_preprocessing(source.directory, network.config)
    names = names_of_config(network.config.id2label, len(network.config.id2label or ()) or CLASSES)
    sha = files.fingerprint()
    return made(network=network, fingerprint=sha, preprocessing=preprocessing, names=names, notes=tuple(notes))


def _from_transformers(source: Source) -> Any:
    from transformers import AutoModelForImageClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        network, loaded = AutoModelForImageClassification.from_pretrained(
            source.directory,
            dtype=torch.float32,
            output_loading_info=True,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
        )
    except UNREADABLE as error:
        raise UserError(f"{source.id} cannot be opened as a classifier of images: {reason(error)}") from error
    require_all_weights(source.id, loaded)
    return network
