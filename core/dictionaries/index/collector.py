"""What gathers numbers from a stream of codes: plain arrays by name, so that it can be laid down and taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


class Collector:
    """names: of its arrays, which are all that it knows."""

    names: ClassVar[tuple[str, ...]]

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it knows; not a copy."""
        return {name: getattr(self, name) for name in self.names}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `arrays` once returned."""
        for name in self.names:
            setattr(self, name, np.array(arrays[name]))


def places_within(owners: NDArray) -> NDArray[np.int64]:
    """For each entry of a sorted list, how many of the same came before it."""
    if len(owners) == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    return np.arange(len(owners)) - np.repeat(starts, np.diff(np.append(starts, len(owners))))
