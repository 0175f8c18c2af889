"""Which sets of images are at hand, told without loading what reads and draws them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from core import workspace
from core.errors import UserError
from core.examples.examples import Info
from core.examples.files import expanded

FAMILIES = ("textures", "colours", "patches", "photographs", "stamps", "saved")
TEXTURES = ("striped", "dotted", "zigzagged", "chequered", "honeycomb", "woven", "noise")
# The basic colour words of English (Berlin and Kay 1969).
COLOURS = ("black", "white", "grey", "red", "orange", "brown", "yellow", "green", "blue", "purple", "pink")
POOLS = {"random": "random patches", "mixed": "random patches, textures and colours"}
PHOTOGRAPHS = ("china", "flower")  # scikit-learn's two sample images, CC BY 2.0
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

DRAWN = 100  # images of each class in a drawn set
POOL = 500  # images in a pool of negatives
LAID = 40  # composites of one cut-out, crops of one photograph
OURS = "drawn by Conceptscope"
ZIPS = re.compile(r"[A-Za-z0-9_.+~-]+\.zip")  # of saved sets
SAVED = "saved/"  # before the names of the user's own sets


def is_images(id: str) -> bool:
    """Whether `id` is of the form that `open_images` takes, so that it is no set of texts."""
    family, _, name = id.partition("/")
    if family in FAMILIES and name:
        return True
    try:
        path = expanded(id)
        return path.is_dir() or path.suffix.lower() in (".zip", *SUFFIXES)
    except (OSError, UserError):
        return False


def list_images() -> list[Info]:
    """One line for each set of images that is at hand without a path, the user's saved ones first."""
    infos = saved_infos()
    infos += [_info(f"textures/{name}", name, "texture", DRAWN, DRAWN, OURS) for name in TEXTURES]
    infos += [_info(f"colours/{name}", name, "colour", DRAWN, DRAWN, OURS) for name in COLOURS]
    infos += [_info(f"patches/{name}", title, "negatives", 0, POOL, OURS) for name, title in POOLS.items()]
    infos += [
        _info(f"photographs/{name}", f"crops of the photograph {name}.jpg", "photograph", LAID, 0, "scikit-learn")
        for name in PHOTOGRAPHS
        if photograph(name) is not None
    ]
    return infos


def saved_path(name: str, *folders: str) -> Path:
    """Where the user's own set `name` is told of, or would be. Raises UserError for what cannot be a name."""
    parts = [folder for folder in folders if folder]
    return workspace.place("images", *parts, workspace.checked_name(name) + ".json")


def found_path(name: str) -> Path:
    """Where the set `name` is told of, to be read: one's own, else that of the shared library."""
    return workspace.found("images", workspace.checked_name(name) + ".json")


def packed_path(path: Path, about: dict[str, Any]) -> Path:
    """The zip file of which `path` tells `about`: sets that were saved earlier name none."""
    name = str(about.get("file", ""))
    return path.with_name(name) if ZIPS.fullmatch(name) else path.with_name(path.name.removesuffix(".json") + ".zip")


def saved_infos() -> list[Info]:
    """One line for each of the user's own sets, by name."""
    infos = []
    for path in workspace.listed("images", "[!.]*.json"):
        about = workspace.read_json(path)
        if not isinstance(about, dict) or not {"title", "positives", "negatives", "source"} <= set(about):
            continue
        if not packed_path(path, about).is_file():
            continue
        infos.append(
            Info(
                id=SAVED + path.name.removesuffix(".json"),
                title=about["title"],
                subject="saved",
                positives=about["positives"],
                negatives=about["negatives"],
                source=about["source"],
                kind="image",
                positive_name=about.get("positive_name", "positive"),
                negative_name=about.get("negative_name", "negative"),
            )
        )
    return infos


def photograph(name: str) -> Path | None:
    """Where scikit-learn keeps one of its sample images, found without importing it; None if there is none."""
    spec = importlib.util.find_spec("sklearn")
    if name not in PHOTOGRAPHS or spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "datasets" / "images" / f"{name}.jpg"
    return path if path.is_file() else None


def _info(id: str, title: str, subject: str, positives: int, negatives: int, source: str) -> Info:
    return Info(id, title, subject, positives, negatives, source, "image", title, "random patches")
