"""Activation functions: from pre-activations (..., d_sae) to codes of the same shape."""

from __future__ import annotations

import torch
from torch import Tensor


def relu(pre: Tensor) -> Tensor:
    return pre.relu()


def jumprelu(pre: Tensor, threshold: Tensor) -> Tensor:
    """What is above its feature's threshold (d_sae,), and positive; the rest 0.

    Rajamanoharan et al. 2024, "Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders".
    """
    return pre.relu() * (pre > threshold)


def topk(pre: Tensor, k: int) -> Tensor:
    """The k largest of each row, those below 0 set to 0.

    Gao et al. 2024, "Scaling and evaluating sparse autoencoders". Selects first and cuts at 0 then, so that a row
    with fewer than k positive values keeps fewer than k.
    """
    values, places = pre.topk(k, dim=-1, sorted=False)
    return torch.zeros_like(pre).scatter_(-1, places, values.relu())


def abstopk(pre: Tensor, k: int) -> Tensor:
    """The k values of each row that are largest in size, with their signs."""
    places = pre.abs().topk(k, dim=-1, sorted=False).indices
    return torch.zeros_like(pre).scatter_(-1, places, pre.gather(-1, places))


def gated(pre: Tensor, b_gate: Tensor, b_mag: Tensor, r_mag: Tensor) -> Tensor:
    """relu(pre exp(r_mag) + b_mag) where the gate pre + b_gate is above 0; pre: x W_enc, without a bias.

    Rajamanoharan et al. 2024, "Improving Dictionary Learning with Gated Sparse Autoencoders".
    """
    return (pre * r_mag.exp() + b_mag).relu() * (pre + b_gate > 0)


def topafa(pre: Tensor, norms: Tensor, target: Tensor) -> Tensor:
    """As many of the largest codes as bring their norm nearest to that of the input; at least one.

    norms: (d_sae,), lengths of the decoder's rows. target: (..., 1), |x - b_dec|. With f~ = relu(pre) * norms sorted
    downwards, k minimises |sqrt(f~_1^2 + ... + f~_k^2) - target|. Lee et al. 2025, "Evaluating and Designing Sparse
    Autoencoders by Approximating Quasi-Orthogonality".
    """
    codes = pre.relu()
    squares, places = (codes * norms).square().sort(dim=-1, descending=True)
    lengths = squares.cumsum(dim=-1).sqrt()
    last = (lengths - target).abs().argmin(dim=-1, keepdim=True)
    chosen = torch.arange(pre.shape[-1], device=pre.device) <= last
    return codes * torch.zeros_like(chosen).scatter_(-1, places, chosen)
