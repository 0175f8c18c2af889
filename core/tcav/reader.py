"""What TCAV needs of a model and of how its inputs are read; texts and images differ in nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.activations import Pool
from core.models import Site
from core.progress import Listener
from core.tcav.disjoint import Item
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel
    from core.tcav.gradients import Gradients


@dataclass(frozen=True)
class Reading:
    """How texts become activations. pool: "mean" or "last". max_length: tokens at which a text is cut.

    Images are always read as the mean over all positions.
    """

    pool: Pool = "mean"
    max_length: int = 256


class Reader(Protocol):
    """A model that is asked about items (texts, or images), n of them at a time."""

    @property
    def model(self) -> AnyModel | ImageModel: ...

    def corpus(self, items: Sequence[Item]) -> str:
        """A hash of the items in their order."""
        ...

    def identity(self) -> dict[str, Any]:
        """What of the model and of the reading decides numbers, for the keys of results."""
        ...

    def longer(self, items: Sequence[Item]) -> int:
        """How many of the items are cut before they are read."""
        ...

    def keys(self, items: Sequence[Item], sites: Sequence[Site]) -> list[str]:
        """Of the stores that the items' activations are in, one per site."""
        ...

    def record(self, items: Sequence[Item], sites: Sequence[Site], progress: Listener) -> list[np.ndarray]:
        """Pooled activations, per site (n, d); a row of NaN had no position to pool."""
        ...

    def sink_norms(self, sites: Sequence[Site], progress: Listener) -> list[float]:
        """Per site, the typical norm by which a row is told to be a sink; infinite where there are no sinks."""
        ...

    def typical_norm(self, site: Site, progress: Listener) -> float:
        """The unit of doses."""
        ...

    def reference(self, sites: Sequence[Site], progress: Listener) -> tuple[Sequence[Item], list[np.ndarray]]:
        """Unlabelled items, and per site their pooled activations."""
        ...

    def gradients(
        self, target: Target, items: Sequence[Item], sites: Sequence[Site], progress: Listener
    ) -> Gradients: ...

    def pushed(
        self, target: Target, items: Sequence[Item], site: Site, moves: np.ndarray, progress: Listener
    ) -> np.ndarray:
        """The target's values (k, n) when each of `moves` (k, d) is added at the pooled positions."""
        ...
