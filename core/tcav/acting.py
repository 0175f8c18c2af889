"""Does it act? What real pushes along a CAV do to the target, against what random directions do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.tcav.cavs import unit

SMALL, LARGE = 0.1, 0.5
DOSES = (-LARGE, -SMALL, SMALL, LARGE)
RANDOM = 20

# Takes unit directions (k, d) and doses; gives the target's change on each input: (k, doses, m).
Push = Callable[[np.ndarray, Sequence[float]], np.ndarray]


@dataclass(frozen=True)
class PushEffect:
    """Measured, in the target's unit, mean over the inputs pushed.

    effect: half the difference between a push of +.1 and one of -.1 typical norms. large: the same at .5. changes:
    mean change at each dose. rank: 1 to 21, the place of |effect| among those of 20 random directions, 1 the largest;
    the worse of the two doses. inputs: how many were pushed.
    """

    effect: float
    large: float
    changes: dict[str, float]
    rank: int
    inputs: int

    def acts(self, mean_derivative: float) -> bool:
        """Beyond every random direction at both doses, and at both the way that the gradient says."""
        return self.rank == 1 and self.effect * mean_derivative > 0 and self.large * mean_derivative > 0


def random_directions(d: int, *, seed: int = 0) -> np.ndarray:
    """20 unit vectors (20, d), uniform on the sphere."""
    return unit(np.random.default_rng([seed, d]).standard_normal((RANDOM, d)))


def push_effects(cavs: np.ndarray, push: Push, random: np.ndarray) -> list[PushEffect]:
    """Of each unit CAV (k, d). random: what the random directions did, as `push(random_directions(d), DOSES)`."""
    own = push(cavs, DOSES)
    control = _effects(random)
    found = []
    for of_cav in own:
        small, large = _effects(of_cav[None])[0]
        beaten = [int((np.abs(control[:, dose]) >= abs(size)).sum()) for dose, size in enumerate((small, large))]
        found.append(
            PushEffect(
                effect=float(small),
                large=float(large),
                changes={f"{dose:+g}": float(change) for dose, change in zip(DOSES, of_cav.mean(axis=1), strict=True)},
                rank=1 + max(beaten),
                inputs=of_cav.shape[1],
            )
        )
    return found


def _effects(changes: np.ndarray) -> np.ndarray:
    """(k, 2), at the small and at the large dose; changes (k, 4, m) in the order of DOSES."""
    means = changes.mean(axis=2)
    return np.stack([(means[:, 2] - means[:, 1]) / 2, (means[:, 3] - means[:, 0]) / 2], axis=1)
