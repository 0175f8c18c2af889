"""What every way of making a direction is: pages and the command line know no more of it than this."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from core.activations import Pool
from core.directions.check import Check
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.models import Model, Site


@dataclass(frozen=True)
class Reading:
    """How texts are read: one activation per text as the "mean" over its tokens or of the "last" one.

    max_length: tokens at which a text is cut. limit: as it was given when the texts were opened, for the record.
    """

    pool: Pool = "mean"
    max_length: int = 256
    limit: int | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What a method found, before it becomes a Direction.

    raw: (d,) float64, not of length 1. settled: the method with nothing left to choose. origin: from what, in a few
    words. held_out: `auroc` and `interval`, None where they have no meaning or were not measured, then with a `note`.
    provenance: whatever else says from what it was made; plain JSON.
    """

    raw: np.ndarray
    settled: Method
    origin: str
    held_out: dict[str, Any]
    checks: tuple[Check, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method(ABC):
    """A way of making a direction. Subclasses are frozen dataclasses of `parameter` fields.

    `name` is its word in files, on pages and on the command line; `title` and `help` are for people. `made_from` is the
    key of SOURCES (sources.py) that says from what it makes one.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    made_from: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the numbers change: part of the key of every stored result

    @abstractmethod
    def find(
        self, model: Model, source: Any, site: Site, reading: Reading, *, seed: int = 0, progress: Listener = silent
    ) -> Found:
        """The direction at `site`, from a source of the class that `made_from` names."""

    def to_json(self) -> dict[str, Any]:
        """Name, version and parameters, as they enter manifests and cache keys."""
        return {"method": self.name, "version": self.version, "parameters": dataclasses.asdict(self)}

    def replaced(self, **values: Any) -> Self:
        """This method with some parameters replaced, unchecked (see `with_parameters` for users' values)."""
        return dataclasses.replace(self, **values)


def unit(vector: np.ndarray) -> np.ndarray:
    """`vector` scaled to length 1; one of length 0 stays as it is."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector
