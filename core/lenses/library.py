"""Trained lenses on disk: one safetensors file each, the manifest in its metadata.

`lenses/<key>/lens.safetensors` in the workspace holds `matrices`, `centres` and `biases`, and under the metadata key
`conceptscope` the manifest as JSON. Beside it lies, while it is being trained, what is done so far.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from core import workspace
from core.errors import UserError
from core.lenses.lens import TunedLens
from core.models import Model

FORMAT = "tuned-lens/1"
SHAPES = {"matrices": 3, "centres": 2, "biases": 2}


def save_lens(lens: TunedLens) -> Path:
    """Write a lens, atomically."""
    path = place_of(lens.key) / "lens.safetensors"
    text = json.dumps({"format": FORMAT, "layers": lens.layers, **lens.manifest}, ensure_ascii=True, allow_nan=False)
    tensors = {name: getattr(lens, name).contiguous() for name in SHAPES}
    workspace.write_bytes(path, safetensors.torch.save(tensors, metadata={"conceptscope": text}))
    return path


def load_lens(key: str) -> TunedLens:
    """The lens of that key. Raises UserError if there is none or its file is damaged."""
    path = place_of(key) / "lens.safetensors"
    if not path.is_file():
        raise UserError(f"There is no tuned lens {key!r}; train one with `lens train`.")
    manifest = read_manifest(path)
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); delete its folder and train the lens again.") from None
    layers = tuple(manifest["layers"])
    if not _fit(tensors, len(layers)):
        raise UserError(f"{path} does not hold a tuned lens for its layers; delete its folder and train it again.")
    return TunedLens(
        key=key,
        model_id=manifest["recipe"]["model_id"],
        model_fingerprint=manifest["recipe"]["fingerprint"],
        layers=layers,
        manifest=manifest,
        **tensors,
    )


def find_lens(model: Model) -> str | None:
    """Key of the lens of this model that was trained on most texts, the latest of equals; None if there is none."""
    found = []
    for path in workspace.place("lenses", "x").parent.glob("*/lens.safetensors"):
        try:
            manifest = read_manifest(path)
        except UserError:
            continue  # one bad file must not hide the others
        if manifest["recipe"]["fingerprint"] == model.fingerprint:
            rank = (len(manifest["layers"]), manifest["recipe"]["n_texts"], path.stat().st_mtime)
            found.append((rank, path.parent.name))
    return max(found)[1] if found else None


def read_manifest(path: Path) -> dict[str, Any]:
    """What is said of the lens in `path`, without reading its tensors."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            manifest = json.loads((file.metadata() or {}).get("conceptscope", "null"))
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); delete its folder and train the lens again.") from None
    sound = isinstance(manifest, dict) and manifest.get("format") == FORMAT and isinstance(manifest.get("recipe"), dict)
    names = {"model_id": str, "fingerprint": str, "n_texts": int}
    if not sound or not all(isinstance(manifest["recipe"].get(name), kind) for name, kind in names.items()):
        raise UserError(f"{path} has no sound manifest; delete its folder and train the lens again.")
    layers = manifest.get("layers")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, int) for layer in layers):
        raise UserError(f"{path} does not say which layers it is for; delete its folder and train the lens again.")
    return manifest


def place_of(key: str) -> Path:
    """The folder of the lens `key`."""
    return workspace.place("lenses", workspace.checked_name(key), "lens.safetensors").parent


def _fit(tensors: dict[str, Tensor], layers: int) -> bool:
    if set(tensors) != set(SHAPES) or any(tensors[name].dim() != n for name, n in SHAPES.items()):
        return False
    width = tensors["matrices"].shape[-1]
    expected = {"matrices": (layers, width, width), "centres": (layers, width), "biases": (layers, width)}
    return all(
        tensors[name].shape == shape and bool(tensors[name].isfinite().all()) for name, shape in expected.items()
    )
