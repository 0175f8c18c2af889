"""Trained lenses on disk: one safetensors file each, the manifest in its metadata.

`lenses/<key>/lens.safetensors` in the workspace holds `matrices`, `centres` and `biases`, and under the metadata key
`conceptscope` the manifest as JSON, with a checksum of the tensors and one of itself. Beside it lies, while it is being
trained, what is done so far.
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
from core.models.checksums import digest_of

FORMAT = "tuned-lens/2"
EARLIER = "tuned-lens/1"  # had no checksums, and is taken as it is
SHAPES = {"matrices": 3, "centres": 2, "biases": 2}


def save_lens(lens: TunedLens) -> Path:
    """Write a lens, atomically."""
    path = place_of(lens.key) / "lens.safetensors"
    tensors = {name: getattr(lens, name).contiguous() for name in SHAPES}
    told = {key: value for key, value in lens.manifest.items() if key != "check"}  # one that was read has its own
    told |= {"format": FORMAT, "layers": lens.layers, "tensors": digest_of(tensors)}
    text = json.dumps({**told, "check": workspace.digest(told)}, ensure_ascii=True, allow_nan=False)
    workspace.write_bytes(path, safetensors.torch.save(tensors, metadata={"conceptscope": text}))
    return path


def load_lens(key: str) -> TunedLens:
    """The lens of that key. Raises UserError if there is none or its file is damaged."""
    path = found_at(key)
    if not path.is_file():
        raise UserError(f"There is no tuned lens {key!r}; train one with `lens train`.")
    manifest = read_manifest(path)
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); delete its folder and train the lens again.") from None
    layers = tuple(manifest["layers"])
    if manifest["format"] == FORMAT and manifest["tensors"] != digest_of(tensors):
        raise UserError(f"{path} is damaged; delete its folder and train the lens again.")
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
    for path in workspace.listed("lenses", "*/lens.safetensors"):
        try:
            manifest = read_manifest(path)
        except UserError:
            continue  # one bad file must not hide the others
        if manifest["recipe"]["fingerprint"] == model.fingerprint:
            rank = (len(manifest["layers"]), manifest["recipe"]["n_texts"], path.stat().st_mtime)
            found.append((rank, path.parent.name))
    return max(found)[1] if found else None


def read_manifest(path: Path) -> dict[str, Any]:
    """What is said of the lens in `path`, without reading its tensors. Raises UserError if that is damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            manifest = json.loads((file.metadata() or {}).get("conceptscope", "null"))
        sound = isinstance(manifest, dict) and isinstance(manifest.get("recipe"), dict) and _is_as_written(manifest)
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); delete its folder and train the lens again.") from None
    names = {"model_id": str, "fingerprint": str, "n_texts": int}
    if not sound or not all(isinstance(manifest["recipe"].get(name), kind) for name, kind in names.items()):
        raise UserError(f"{path} has no sound manifest; delete its folder and train the lens again.")
    layers = manifest.get("layers")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, int) for layer in layers):
        raise UserError(f"{path} does not say which layers it is for; delete its folder and train the lens again.")
    return manifest


def found_at(key: str) -> Path:
    """Where the lens `key` is to be read."""
    return workspace.found("lenses", workspace.checked_name(key), "lens.safetensors")


def place_of(key: str) -> Path:
    """The folder of one's own lens `key`."""
    return workspace.place("lenses", workspace.checked_name(key), "lens.safetensors").parent


def _is_as_written(manifest: dict[str, Any]) -> bool:
    told = {key: value for key, value in manifest.items() if key != "check"}
    return told.get("format") == EARLIER or (
        told.get("format") == FORMAT and "tensors" in told and manifest.get("check") == workspace.digest(told)
    )


def _fit(tensors: dict[str, Tensor], layers: int) -> bool:
    if set(tensors) != set(SHAPES) or any(tensors[name].dim() != n for name, n in SHAPES.items()):
        return False
    width = tensors["matrices"].shape[-1]
    expected = {"matrices": (layers, width, width), "centres": (layers, width), "biases": (layers, width)}
    return all(
        tensors[name].shape == shape and bool(tensors[name].isfinite().all()) for name, shape in expected.items()
    )
