"""Methods that keep a number of codes: TopK, BatchTopK, Matryoshka and top-AFA. They share the sparse decoder."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import torch
from torch import Tensor

from core.dictionaries.sae.sae import Sae
from core.dictionaries.training.active import Active, Full, Listed
from core.dictionaries.training.method import Method, Pass, pre_activations, sae_of, squared_error
from core.dictionaries.training.select import Selected, top_by_norm, top_of_all, top_of_each
from core.dictionaries.training.sparse import encoded
from core.dictionaries.training.weights import Weights
from core.directions.parameters import parameter

EARLY = 8  # after t batches the threshold moves by 8 / (t + 8) towards the next, until that is less than its pace


@dataclass(frozen=True)
class Selecting(Method):
    """A pass of any method that selects codes by their pre-activations."""

    def forward(self, weights: Weights, x: Tensor, memory: dict[str, Tensor]) -> Pass:
        if x.is_cuda:
            pre = pre_activations(weights, x)
            values, pattern = self.select(pre.detach(), x, weights)
            on: Active = Full(pre.relu() * pattern.dense(torch.ones_like(values)))
        else:
            with torch.no_grad():
                values, pattern = self.select(pre_activations(weights, x), x, weights)
            on = Listed(encoded(x, weights.W_enc, weights.b_enc, weights.b_dec, values, pattern), pattern)
        self.remember(values, memory)
        loss, rebuilt = self.losses(weights, x, on)
        return Pass(loss, rebuilt.detach(), pattern.fired(values), float((values > 0).sum()) / len(x))

    @abstractmethod
    def select(self, pre: Tensor, x: Tensor, weights: Weights) -> Selected:
        """Which codes are on, of pre (n, m), and their values."""

    def remember(self, values: Tensor, memory: dict[str, Tensor]) -> None:
        """Keep what inference will need, from the codes that were on in this batch."""
        return

    def losses(self, weights: Weights, x: Tensor, on: Active) -> tuple[Tensor, Tensor]:
        """The loss and the reconstruction (n, d)."""
        rebuilt = on.rebuilt(weights.W_dec) + weights.b_dec
        return squared_error(x, rebuilt), rebuilt


@dataclass(frozen=True)
class TopK(Selecting):
    """The k largest codes of each token (Gao et al. 2024, "Scaling and evaluating sparse autoencoders")."""

    name: ClassVar[str] = "topk"
    title: ClassVar[str] = "TopK"
    help: ClassVar[str] = "Keeps the k largest codes of each token: nothing to balance, the safe choice."

    k: int = parameter(32, 1, 4096, "Features that are on per token.")

    @property
    def active(self) -> int:
        return self.k

    def select(self, pre: Tensor, x: Tensor, weights: Weights) -> Selected:
        return top_of_each(pre, min(self.k, weights.m))

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        return sae_of(weights, "topk", scale, k=min(self.k, weights.m))


@dataclass(frozen=True)
class BatchTopK(Selecting):
    """The n k largest codes of a batch of n tokens (Bussmann et al. 2024, "BatchTopK Sparse Autoencoders").

    Saved as JumpReLU with one threshold for all features: the running mean of the smallest code that was kept. Early in
    a run it follows faster, so that a short one is not saved with what its first batches kept.
    """

    name: ClassVar[str] = "batchtopk"
    title: ClassVar[str] = "BatchTopK"
    version: ClassVar[int] = 2
    help: ClassVar[str] = "Keeps k codes per token on average, more where a token needs more."

    k: int = parameter(32, 1, 4096, "Features that are on per token, on average.")
    pace: float = parameter(0.01, 1e-5, 1.0, "Share by which the saved threshold moves towards each batch's.")

    @property
    def active(self) -> int:
        return self.k

    def select(self, pre: Tensor, x: Tensor, weights: Weights) -> Selected:
        return top_of_all(pre, min(self.k, weights.m))

    def remember(self, values: Tensor, memory: dict[str, Tensor]) -> None:
        above = values[values > 0]
        if len(above):
            least = above.detach().min().cpu().double()  # not every device has 64 bits
            before = memory.get("threshold", least)
            batches = memory.get("batches", torch.zeros_like(least))
            pace = max(self.pace, EARLY / (float(batches) + EARLY))
            memory["batches"], memory["threshold"] = batches + 1, before + pace * (least - before)

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        threshold = torch.full((weights.m,), float(memory.get("threshold", torch.zeros(()))) / scale)
        return sae_of(weights, "jumprelu", scale, {"threshold": threshold})


@dataclass(frozen=True)
class Matryoshka(BatchTopK):
    """BatchTopK in nested groups: the first features alone have to rebuild as well as they can, then more of them.

    Bussmann et al. 2025, "Learning Multi-Level Features with Matryoshka Sparse Autoencoders". General features come
    first and are not absorbed by special ones. The loss is the mean over the nested reconstructions.
    """

    name: ClassVar[str] = "matryoshka"
    title: ClassVar[str] = "Matryoshka"
    help: ClassVar[str] = "BatchTopK in nested groups, so that general features are not absorbed by special ones."

    groups: int = parameter(5, 2, 12, "Nested groups, each twice as large as the one before.")

    def ends(self, m: int) -> list[int]:
        """Where each group ends: m / 2^g, ..., m / 2, m in growing sizes."""
        sizes = [max(1, m >> (self.groups - 1))] + [max(1, m >> (self.groups - g)) for g in range(1, self.groups)]
        ends = list(accumulate(sizes))
        return [*(end for end in ends[:-1] if end < m), m]

    def losses(self, weights: Weights, x: Tensor, on: Active) -> tuple[Tensor, Tensor]:
        nested = on.nested(weights.W_dec, self.ends(weights.m)) + weights.b_dec
        errors = (nested - x[:, None, :]).square().sum(dim=2).mean(dim=0)
        return errors.mean(), nested[:, -1]


@dataclass(frozen=True)
class TopAfa(Selecting):
    """As many codes as the token's norm asks for: no k to choose (Lee et al. 2025, top-AFA; see `sae.codes.topafa`).

    The pull keeps the norm of the codes near that of the token, which the rule of selection takes for granted.
    """

    name: ClassVar[str] = "topafa"
    title: ClassVar[str] = "top-AFA"
    help: ClassVar[str] = "Keeps as many codes as the token's norm asks for; no sparsity to choose."

    pull: float = parameter(0.03125, 0.0, 10.0, "Weight of the squared gap between the norms of codes and token.")

    @property
    def active(self) -> int:
        return 0

    def select(self, pre: Tensor, x: Tensor, weights: Weights) -> Selected:
        norms = weights.W_dec.norm(dim=1)
        return top_by_norm(pre, norms, (x - weights.b_dec).norm(dim=1, keepdim=True))

    def losses(self, weights: Weights, x: Tensor, on: Active) -> tuple[Tensor, Tensor]:
        loss, rebuilt = super().losses(weights, x, on)
        gap = on.norms() - (x - weights.b_dec).norm(dim=1)
        return loss + self.pull * gap.square().mean(), rebuilt

    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        return sae_of(weights, "topafa", scale)
