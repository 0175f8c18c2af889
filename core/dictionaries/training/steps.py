"""Step functions with a gradient for their threshold, after which JumpReLU dictionaries are trained.

Rajamanoharan et al. 2024, "Jumping Ahead", equations 11 and 12: the gradient of an expectation over tokens, estimated
with a rectangular kernel of width `bandwidth` about the threshold.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def jump(pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """pre where it is above threshold (m,), else 0."""
    return _Jump.apply(pre, threshold, bandwidth)


def count(pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """1 where pre is above threshold (m,), else 0."""
    return _Count.apply(pre, threshold, bandwidth)


def _near(pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    return (pre - threshold).abs() < bandwidth / 2


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return pre * (pre > threshold)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pre, threshold = ctx.saved_tensors
        near = _near(pre, threshold, ctx.bandwidth)
        to_threshold = -(threshold / ctx.bandwidth) * (gradient * near).sum(dim=0)
        return gradient * (pre > threshold), to_threshold, None


class _Count(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return (pre > threshold).to(pre)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pre, threshold = ctx.saved_tensors
        near = _near(pre, threshold, ctx.bandwidth)
        return None, -(gradient * near).sum(dim=0) / ctx.bandwidth, None
