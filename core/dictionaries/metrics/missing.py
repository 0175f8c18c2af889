"""What a dictionary misses: how much of its error is linear in the activation, and how much is neither ("dark matter").

Engels et al. 2024, "Decomposing The Dark Matter of Sparse Autoencoders". The error x - x^ is predicted from x by least
squares on one half of the texts and scored on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FEWEST = 4  # tokens per dimension in each half, below which least squares would learn the noise


@dataclass(frozen=True)
class Missing:
    """explained, linear, nonlinear: shares of the variance of the scored half, adding up to 1: rebuilt, error that a
    linear map of x predicts, and the rest. predicted: R2 of the error vector, linear / (linear + nonlinear).
    predicted_norm: R2 of |error|^2 from x. Each was fitted on other texts than it is scored on."""

    explained: float
    linear: float
    nonlinear: float
    predicted: float
    predicted_norm: float
    n_fitted: int
    n_scored: int


def missing(x: Tensor, target: Tensor, rebuilt: Tensor, row_of: Tensor) -> Missing | None:
    """Split the error of tokens x (n, d_in), target and rebuilt (n, d_out); row_of: (n,) the text of each.

    Texts with even numbers are fitted on, the others scored. None if either half has too few tokens.
    """
    even = row_of % 2 == 0
    need = FEWEST * (x.shape[1] + 1)
    if int(even.sum()) < need or int((~even).sum()) < need:
        return None
    inputs = torch.cat([x.double(), torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    error = target.double() - rebuilt.double()
    wanted = torch.cat([error, error.square().sum(dim=1, keepdim=True)], dim=1)
    weights = torch.linalg.lstsq(inputs[even], wanted[even], driver="gelsd").solution
    left = wanted[~even] - inputs[~even] @ weights
    spread = _spread(target[~even].double())
    total = float(error[~even].square().sum() / spread)
    dark = float(left[:, :-1].square().sum() / spread)
    # Beyond the texts that it was fitted on a map may do worse than none; then nothing of the error is linear.
    dark = min(dark, total)
    return Missing(
        explained=1 - total,
        linear=total - dark,
        nonlinear=dark,
        predicted=1 - dark / total if total > 0 else 0.0,
        predicted_norm=float(1 - left[:, -1].square().sum() / _spread(wanted[~even, -1:]).clamp(min=1e-300)),
        n_fitted=int(even.sum()),
        n_scored=int((~even).sum()),
    )


def _spread(values: Tensor) -> Tensor:
    return (values - values.mean(dim=0)).square().sum()
