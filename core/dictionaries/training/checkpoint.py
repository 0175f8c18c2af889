"""A trainer on disk: one safetensors file, so that what belongs together cannot part."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from core import workspace
from core.dictionaries.training.method import Method
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.trainer import Trainer
from core.models.checksums import digest_of

FILE = "checkpoint.safetensors"


def save(folder: Path, trainer: Trainer, next_block: int) -> None:
    """Write the state after the block before `next_block`, atomically."""
    about = {"next_block": next_block, "tokens": trainer.tokens, "scale": trainer.scale.hex()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in trainer.state().items()}
    about["check"] = workspace.digest([about, digest_of(tensors)])
    data = safetensors.torch.save(tensors, metadata={"conceptscope": json.dumps(about)})
    workspace.write_bytes(folder / FILE, data)


def load(folder: Path, method: Method, recipe: Recipe, device: torch.device) -> tuple[Trainer, int] | None:
    """The trainer and the block that it has to learn from next; None if there is none, or it is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["conceptscope"])
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (safe_open is no dict)
        if about.pop("check") != workspace.digest([about, digest_of(state)]):
            return None
        scale = float.fromhex(about["scale"])
        return Trainer.restored(method, recipe, state, about["tokens"], scale, device), about["next_block"]
    except (safetensors.SafetensorError, AttributeError, KeyError, TypeError, ValueError, OSError):
        return None
