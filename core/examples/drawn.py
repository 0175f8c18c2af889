"""An image that is drawn when it is loaded: a function of its kind, seed and number alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from core import workspace
from core.examples import drawing, scenes, textures
from core.examples.images import Pixels

SCENE = "random"
DRAWINGS: dict[str, textures.Drawing] = {**textures.TEXTURES, **textures.COLOURS, SCENE: scenes.scene}


@dataclass(frozen=True)
class Drawn:
    """Drawing `number` of a kind under a seed. kind: a key of DRAWINGS."""

    kind: str
    number: int
    seed: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number}"

    @cached_property
    def digest(self) -> str:
        return workspace.digest(["drawn", self.kind, self.number, self.seed, _code(), np.__version__])

    @property
    def content(self) -> str:
        return self.digest

    def load(self) -> Pixels:
        rng = np.random.default_rng([self.seed, self.number, *self.kind.encode()])
        return DRAWINGS[self.kind](rng)


@cache
def _code() -> str:
    """A hash of the code that draws, so that what is stored of a drawing can never be that of another version."""
    files = (Path(str(module.__file__)) for module in (drawing, scenes, textures))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
