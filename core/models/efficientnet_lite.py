"""EfficientNet-Lite0, the bundled image model: definition and conversion of its weights.

EfficientNet (Tan and Le 2019, arXiv:1905.11946, table 1) without squeeze-and-excitation and with ReLU6 in place of
Swish, as released by its authors for small devices. Convolutions pad as TensorFlow's "SAME" does: where a stride
leaves an odd pixel over, it goes to the right and the bottom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# (kernel, stride, expansion, channels, repeats) of each stage
STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)
STEM, HEAD, CLASSES = 32, 1280, 1000


@dataclass(frozen=True, eq=False)
class ImageOutput:
    """What an image network returns. logits: (batch, classes)."""

    logits: Tensor


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME": the output has ceil(size / stride) positions."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        tall, wide = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
        if tall or wide:
            x = F.pad(x, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
        return super().forward(x)


class Unit(nn.Sequential):
    """Convolution, batch norm, and ReLU6 if `active`."""

    def __init__(
        self, channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        parts = {"conv": SameConv(channels, out, kernel, stride, groups), "norm": nn.BatchNorm2d(out, eps=1e-3)}
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        if active:
            self.add_module("act", nn.ReLU6())


class Block(nn.Module):
    """Inverted residual: widen, filter each channel by itself, narrow, and add the input where shapes allow."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = Unit(channels, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Unit(wide, wide, kernel, stride=stride, groups=wide)
        self.project = Unit(wide, out, 1, active=False)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """(batch, 3, 224, 224) pixels, normalised, to logits of the 1,000 classes of ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, STEM, 3, stride=2)
        blocks, channels = [], STEM
        for kernel, stride, expansion, out, repeats in STAGES:
            for number in range(repeats):
                blocks.append(Block(channels, out, kernel, 1 if number else stride, expansion))
                channels = out
        self.blocks = nn.ModuleList(blocks)
        self.head = Unit(channels, HEAD, 1)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, pixel_values: Tensor) -> ImageOutput:
        x = self.stem(pixel_values)
        for block in self.blocks:
            x = block(x)
        return ImageOutput(self.classifier(self.head(x).mean(dim=(2, 3))))


def load_published(path: Path) -> EfficientNetLite0:
    """The network with the published weights, a file of tensors by name; raises RuntimeError if they do not fit."""
    network = EfficientNetLite0().eval()
    published = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict({_our_name(name): tensor for name, tensor in published.items()})
    return network


def _our_name(published: str) -> str:
    """`_blocks.3._bn1.weight` -> `blocks.3.depthwise.norm.weight`."""
    *place, module, kind = published.split(".")
    if place:
        names: Mapping[str, str] = _IN_BLOCK
    else:
        names = _OUTSIDE
    return ".".join([part.lstrip("_") for part in place] + [names[module], kind])


_IN_BLOCK = {
    **{"_expand_conv": "expand.conv", "_bn0": "expand.norm"},
    **{"_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.norm"},
    **{"_project_conv": "project.conv", "_bn2": "project.norm"},
}
_OUTSIDE = {
    **{"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_fc": "classifier"},
    **{"_conv_head": "head.conv", "_bn1": "head.norm"},
}
