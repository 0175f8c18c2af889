"""Semi-nonnegative matrix factorisation of MLP activations: few features, each a sparse set of neurons.

Shafran et al. 2025, "Decomposing MLP Activations into Interpretable Features via Semi-Nonnegative Matrix
Factorization"; the update rules are those of Ding et al. 2010, "Convex and Semi-Nonnegative Matrix Factorizations".
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.dictionaries.linear import Linear
from core.errors import UserError
from core.progress import Listener, Progress, silent

RIDGE = 1e-6  # keeps Y Y^T invertible
TINY = 1e-12  # keeps quotients of non-negative parts finite
ITERATIONS = 200  # of fitting; the error hardly moves after a hundred
STEPS = 200  # of encoding with the features fixed


class Snmf(Linear):
    """Non-negative codes y with x ~ Z y; reads and rebuilds the MLP's hidden activations (..., d_mlp).

    W_dec is Z^T. `written` (n_features, width) is what a feature writes into the stream, W_out z.
    """

    kind = "snmf"
    names = {"W_dec": ("d_sae", "d_out"), "W_write": ("d_sae", "width")}  # noqa: RUF012

    @property
    def written(self) -> Tensor:
        return self._tensors["W_write"]

    def encode(self, x: Tensor) -> Tensor:
        """The non-negative codes that rebuild x best with the features held fixed.

        The updates of the fit would come to the same, but a code that is nearly 0 grows by a hair's breadth a step;
        accelerated projected gradient (Beck and Teboulle 2009) has no such trap.
        """
        rows = x.reshape(-1, self.d_in)
        products, gram = rows @ self.W_dec.T, self.W_dec @ self.W_dec.T
        size = torch.linalg.matrix_norm(gram, 2).clamp(min=TINY)
        codes = ahead = products.new_zeros(products.shape)
        momentum = 1.0
        for _ in range(STEPS):
            before, codes = codes, (ahead - (ahead @ gram - products) / size).clamp(min=0)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = codes + (momentum - 1) / following * (codes - before)
            momentum = following
        return codes.reshape(*x.shape[:-1], self.n_features)

    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        return codes @ self.W_dec


def snmf_of(
    activations: Tensor,
    n_features: int,
    down: Tensor,
    *,
    kept: float = 0.01,
    seed: int = 0,
    iterations: int = ITERATIONS,
    progress: Listener = silent,
) -> Snmf:
    """Factorise the activations A^T (n, d_mlp), one row a token; down: the down projection (d_mlp, width).

    kept: share of the entries of each feature that is kept, those largest in size (the paper: 1%, for GPT-2 5%).
    Raises UserError for more features than tokens.
    """
    n = len(activations)
    if n_features >= n:
        raise UserError(f"{n} tokens are too few for {n_features} features; use more texts or fewer features.")
    chance = torch.Generator().manual_seed(seed)
    codes = torch.rand(n, n_features, generator=chance).to(activations) + TINY  # Y^T
    features = _features(activations, codes, kept)
    for step in range(iterations):
        progress(Progress(step, iterations, "steps", "factorising"))
        codes = _updated(codes, activations @ features.T, features @ features.T)
        features = _features(activations, codes, kept)
    progress(Progress(iterations, iterations, "steps", "factorising"))
    return Snmf({"W_dec": features, "W_write": features @ down.to(features)})


def _features(activations: Tensor, codes: Tensor, kept: float) -> Tensor:
    """Z^T (k, d_mlp): least squares, Z = A Y^T (Y Y^T + ridge)^-1, then only the largest entries of each feature."""
    gram = codes.T @ codes
    gram.diagonal().add_(RIDGE)
    features = torch.linalg.solve(gram, codes.T @ activations)
    count = max(1, round(kept * features.shape[1]))
    largest = features.abs().topk(count, dim=1).indices
    return torch.zeros_like(features).scatter_(1, largest, features.gather(1, largest))


def _updated(codes: Tensor, products: Tensor, gram: Tensor) -> Tensor:
    """Y^T * sqrt((P+ + Y^T Q-) / (P- + Y^T Q+)), with P = A^T Z (n, k) and Q = Z^T Z (k, k)."""
    above = products.clamp(min=0) + codes @ (-gram).clamp(min=0)
    below = (-products).clamp(min=0) + codes @ gram.clamp(min=0)
    return codes * (above / (below + TINY)).sqrt()
