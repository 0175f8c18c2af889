"""Methods whose codes are dense while they learn: standard (L1), JumpReLU and gated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.dictionaries.sae.sae import Sae
from core.dictionaries.training.method import Method, Pass, pre_activations, sae_of, squared_error
from core.dictionaries.training.steps import count, jump
from core.dictionaries.training.weights import Weights
from core.directions.parameters import parameter

_PENALTY = "A feature is worth keeping where it takes about half this share off a typical token's norm."


@dataclass(frozen=True)
class Standard(Method):
    """relu codes with a penalty on their sum (Bricken et al. 2023, "Towards Monosemanticity").

    The sum is weighted with the lengths of the decoder's rows, which are held at 1.
    """

    name: ClassVar[str] = "standard"
    title: ClassVar[str] = "Standard (L1)"
    help: ClassVar[str] = "A penalty on the sum of the codes: the classic, which shrinks what it finds."

    penalty: float = parameter(0.2, 0.0, 100.0, _PENALTY)

    @property
    def active(self) -> int:
        return 64

    def forward(self, weights: Weights, x: Tensor, memory: dict[str, Tensor]) -> Pass:
        codes = pre_activations(weights, x).relu()
        rebuilt = codes @ weights.W_dec + weights.b_dec
        size = x.shape[1] ** 0.5  # a typical token's norm
        loss = squared_error(x, rebuilt) + self.penalty * size * codes.sum(dim=1).mean()
        return _passed(loss, rebuilt, codes.detach() > 0)

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        return sae_of(weights, "standard", scale)


@dataclass(frozen=True)
class JumpReLU(Method):
    """A threshold learnt for each feature (Rajamanoharan et al. 2024, "Jumping Ahead").

    The number of codes that are on is drawn to `k` by a squared penalty, as in the paper's appendix on a target.
    """

    name: ClassVar[str] = "jumprelu"
    title: ClassVar[str] = "JumpReLU"
    version: ClassVar[int] = 2
    help: ClassVar[str] = "Learns a threshold for each feature; no shrinking, as many codes as a token needs."

    k: int = parameter(32, 1, 4096, "Features that are on per token, on average: the target that is drawn to.")
    strength: float = parameter(1.0, 0.0, 1000.0, "Weight of the squared relative distance from the target.")
    bandwidth: float = parameter(1.0, 1e-4, 100.0, "Width of the kernel about the threshold, in training's units.")

    @property
    def active(self) -> int:
        return self.k

    def extend(self, weights: Weights) -> None:
        weights.own["threshold"] = torch.zeros_like(weights.b_enc, requires_grad=False).requires_grad_(True)

    @torch.no_grad()
    def settle(self, weights: Weights, sample: Tensor) -> None:
        """All thresholds begin where k features per token are on: Adam moves them by little more than a rate a step."""
        some = pre_activations(weights, sample[:1024])
        start = some.flatten().topk(min(len(some) * self.k, some.numel())).values[-1]
        weights.own["threshold"].fill_(float(start.clamp(min=0)))

    def forward(self, weights: Weights, x: Tensor, memory: dict[str, Tensor]) -> Pass:
        threshold = weights.own["threshold"]
        # Not cut at 0 first, as in SAELens: else a threshold below half the bandwidth would take every feature that is
        # off, however far, for one that is nearly on.
        pre = pre_activations(weights, x)
        codes = jump(pre, threshold, self.bandwidth)
        rebuilt = codes @ weights.W_dec + weights.b_dec
        l0 = count(pre, threshold, self.bandwidth).sum(dim=1).mean()
        # In shares of the variance, so that strength means the same at every width.
        loss = squared_error(x, rebuilt) + self.strength * x.shape[1] * 0.1 * (l0 / self.k - 1).square()
        return _passed(loss, rebuilt, codes.detach() > 0)

    @torch.no_grad()
    def mend(self, weights: Weights) -> None:
        weights.own["threshold"].clamp_(min=0.0)

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        return sae_of(weights, "jumprelu", scale, {"threshold": weights.own["threshold"] / scale})


@dataclass(frozen=True)
class Gated(Method):
    """Two questions to each feature, whether and how much (Rajamanoharan et al. 2024, "Improving Dictionary Learning").

    The penalty falls on the gate alone, which also has to rebuild the token by itself through a decoder that it cannot
    move, so that it stays honest; magnitudes are not shrunk.
    """

    name: ClassVar[str] = "gated"
    title: ClassVar[str] = "Gated"
    help: ClassVar[str] = "Decides whether a feature is on apart from how strongly; no shrinking."

    penalty: float = parameter(0.2, 0.0, 100.0, _PENALTY)

    @property
    def active(self) -> int:
        return 64

    def extend(self, weights: Weights) -> None:
        for name in ("b_mag", "r_mag"):
            weights.own[name] = torch.zeros_like(weights.b_enc, requires_grad=False).requires_grad_(True)

    def forward(self, weights: Weights, x: Tensor, memory: dict[str, Tensor]) -> Pass:
        gate = pre_activations(weights, x)  # b_enc is the gate's bias
        size = (gate - weights.b_enc) * weights.own["r_mag"].exp() + weights.own["b_mag"]
        codes = size.relu() * (gate > 0)
        rebuilt = codes @ weights.W_dec + weights.b_dec
        alone = gate.relu() @ weights.W_dec.detach() + weights.b_dec.detach()
        penalty = self.penalty * x.shape[1] ** 0.5 * gate.relu().sum(dim=1).mean()
        loss = squared_error(x, rebuilt) + squared_error(x, alone) + penalty
        return _passed(loss, rebuilt, codes.detach() > 0)

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        own = {"b_gate": weights.b_enc / scale, "b_mag": weights.own["b_mag"] / scale, "r_mag": weights.own["r_mag"]}
        return sae_of(weights, "gated", scale, own)


def _passed(loss: Tensor, rebuilt: Tensor, on: Tensor) -> Pass:
    return Pass(loss, rebuilt.detach(), on.any(dim=0), float(on.sum()) / len(on))
