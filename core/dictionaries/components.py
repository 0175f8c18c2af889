"""Principal components: the dictionary that explains most variance with fewest features, and the control for others."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from core.dictionaries.linear import Linear
from core.errors import UserError


class Components(Linear):
    """Codes (x - mean) V^T of either sign, rebuilt as codes V + mean; rows of V are orthonormal, the largest first."""

    kind = "components"
    signed = True
    names = {"W_dec": ("d_sae", "d_out"), "b_dec": ("d_out",), "variance": ("d_sae",)}  # noqa: RUF012

    @property
    def variance(self) -> Tensor:
        """(n_features,) share, 0-1, of the variance that each component holds in the tokens it was fitted on."""
        return self._tensors["variance"]

    def encode(self, x: Tensor) -> Tensor:
        return (x - self._tensors["b_dec"]) @ self.W_dec.T

    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        return codes @ self.W_dec + self._tensors["b_dec"]


def components_of(batches: Iterable[Tensor], n_features: int) -> Components:
    """The first principal components of all rows of `batches`, each (n, d), from one pass.

    Signs are settled so that each component's largest entry is positive. Raises UserError for more components than
    dimensions, or fewer rows than components.
    """
    n, mean, scatter = 0, torch.zeros(0, dtype=torch.float64), torch.zeros(0, 0, dtype=torch.float64)
    for batch in batches:
        x = batch.cpu().double()
        if n == 0:
            mean, scatter = x.new_zeros(x.shape[1]), x.new_zeros(x.shape[1], x.shape[1])
        if len(x) == 0:
            continue
        # Chan et al. 1983: scatter about the running mean, so that a large mean costs no digits.
        here = x.mean(dim=0)
        centred, away = x - here, here - mean
        scatter += centred.T @ centred + torch.outer(away, away) * (n * len(x) / (n + len(x)))
        mean = mean + away * (len(x) / (n + len(x)))
        n += len(x)
    if not 0 < n_features <= len(mean):
        raise UserError(f"There are {len(mean)} principal components at this site, not {n_features}; ask for fewer.")
    if n <= n_features:
        raise UserError(f"{n} tokens are too few for {n_features} components; use more texts.")
    values, vectors = torch.linalg.eigh(scatter)
    rows = vectors.T.flip(0)[:n_features]
    rows = rows * rows.gather(1, rows.abs().argmax(dim=1, keepdim=True)).sign()
    share = values.flip(0)[:n_features].clamp(min=0) / values.clamp(min=0).sum()
    return Components({"W_dec": rows.float().contiguous(), "b_dec": mean.float(), "variance": share.float()})
