"""Scales that some dictionaries take out of each token before encoding and put back after decoding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-5

# "expected_average_only_in" and "covariance_whitening" are how a dictionary was trained: SAELens folds both into the
# weights before it saves them, and does nothing where they still stand in a file.
RUN_TIME = ("layer_norm", "constant_norm_rescale")
KNOWN = ("none", "expected_average_only_in", "covariance_whitening", *RUN_TIME)


@dataclass(frozen=True)
class Scale:
    """What was taken out of x (..., d): x = inner * factor + shift, each (..., 1)."""

    inner: Tensor
    factor: Tensor
    shift: Tensor

    def put_back(self, rebuilt: Tensor) -> Tensor:
        return rebuilt * self.factor + self.shift


def take_out(x: Tensor, how: str) -> Scale:
    """The scale of x by the rule `how`, one of RUN_TIME, as SAELens computes it.

    "layer_norm": mean and standard deviation (n - 1) of each token; EPSILON goes in but does not come back.
    "constant_norm_rescale": every token gets the norm sqrt(d).
    """
    if how == "layer_norm":
        mean = x.mean(dim=-1, keepdim=True)
        spread = (x - mean).std(dim=-1, keepdim=True)
        return Scale((x - mean) / (spread + EPSILON), spread, mean)
    norm = x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5
    return Scale(x / norm, norm, torch.zeros_like(norm))
