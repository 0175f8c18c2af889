"""EfficientNet-Lite0 written down once more, step by step with the published tensors, for comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


def efficientnet_lite0(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Logits (batch, 1000) of pixels (batch, 3, height, width); shapes of the tensors tell everything but strides."""
    x = _unit(x, weights, "_conv_stem", "_bn0", stride=2)
    # First block of the stages 2, 3, 4 and 6 of table 1: those that halve the resolution.
    halving = {1, 3, 5, 11}
    for number in range(16):
        block = f"_blocks.{number}."
        y = x
        if block + "_expand_conv.weight" in weights:
            y = _unit(y, weights, block + "_expand_conv", block + "_bn0")
        y = _unit(y, weights, block + "_depthwise_conv", block + "_bn1", stride=2 if number in halving else 1)
        y = _unit(y, weights, block + "_project_conv", block + "_bn2", active=False)
        x = x + y if x.shape == y.shape else y
    x = _unit(x, weights, "_conv_head", "_bn1")
    return x.mean(dim=(2, 3)) @ weights["_fc.weight"].T + weights["_fc.bias"]


def _unit(
    x: Tensor, weights: Mapping[str, Tensor], conv: str, norm: str, *, stride: int = 1, active: bool = True
) -> Tensor:
    kernel = weights[conv + ".weight"]
    depthwise = kernel.shape[1] == 1
    edge, size = x.shape[-1], kernel.shape[-1]
    # TensorFlow's "SAME": ceil(edge / stride) positions, what is missing split in two, the odd pixel to the end.
    missing = max((math.ceil(edge / stride) - 1) * stride + size - edge, 0)
    x = F.pad(x, (missing // 2, missing - missing // 2) * 2)
    x = F.conv2d(x, kernel, stride=stride, groups=x.shape[1] if depthwise else 1)

    def channels(name: str) -> Tensor:
        return weights[f"{norm}.{name}"][:, None, None]

    x = (x - channels("running_mean")) / torch.sqrt(channels("running_var") + 1e-3)
    x = x * channels("weight") + channels("bias")
    return x.clamp(0, 6) if active else x
