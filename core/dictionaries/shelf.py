"""What dictionaries are at hand, told from their small files: no weights are read, so that a page can ask each time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core import workspace
from core.dictionaries.card import Card, card_from
from core.dictionaries.formats import CONFIG, WEIGHTS
from core.dictionaries.library import CARD, folders_at_hand


@dataclass(frozen=True)
class Listed:
    """A line about a dictionary. kind: its architecture. features: how many, 0 if its files do not say. stamp: changes
    when its files do."""

    name: str
    kind: str
    features: int
    card: Card
    model_name: str
    stamp: str

    @property
    def layer(self) -> int | None:
        return self.card.layer


def list_names() -> list[Listed]:
    """All dictionaries of the workspace and of the project, by name, sound or not: opening one says what is wrong."""
    return [_listed(name, folder) for name, folder in sorted(folders_at_hand().items())]


def _listed(name: str, folder: Path) -> Listed:
    values = workspace.read_json(folder / CONFIG)
    values = values if isinstance(values, dict) else {}
    card = card_from(workspace.read_json(folder / CARD))
    kind, features, metadata = values.get("architecture"), values.get("d_sae"), values.get("metadata")
    named = metadata.get("model_name") if isinstance(metadata, dict) else values.get("model_name")
    return Listed(
        name=name,
        kind=kind if isinstance(kind, str) else "unknown",
        features=features if isinstance(features, int) and not isinstance(features, bool) else 0,
        card=card,
        model_name=card.model_id or (named if isinstance(named, str) else ""),
        stamp=workspace.digest([_state(folder / file) for file in (CONFIG, CARD, WEIGHTS)]),
    )


def _state(path: Path) -> list[str | int]:
    try:
        found = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), found.st_size, found.st_mtime_ns, found.st_ino]
