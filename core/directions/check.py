"""A number that says how good a direction is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """A number that says how good a direction is, beside what it would be by chance.

    title and help: for people; help says definition, unit and range. interval: 95%, None if there is none. chance: the
    ends between which 95% of random directions would lie.
    """

    name: str
    title: str
    value: float
    help: str
    interval: tuple[float, float] | None = None
    chance: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Any) -> Check | None:
        """What `to_json` gave; None for anything else, since files may come from others."""
        if not isinstance(value, dict) or not isinstance(value.get("value"), int | float):
            return None
        texts = {name: str(value.get(name, "")) for name in ("name", "title", "help")}
        return cls(
            **texts,
            value=float(value["value"]),
            interval=_ends(value.get("interval")),
            chance=_ends(value.get("chance")),
        )


def _ends(value: Any) -> tuple[float, float] | None:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value):
        return float(value[0]), float(value[1])
    return None
