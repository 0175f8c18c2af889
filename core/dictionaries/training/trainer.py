"""The loop's inside: one step after another on batches of activations, and all that has to be kept to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from core.dictionaries.sae.sae import Sae
from core.dictionaries.training.method import Method, Pass, pre_activations
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.together import Together
from core.dictionaries.training.weights import NAMES, Weights, begin

# Tokens of a batch on which dead features try to rebuild what is missing: every fourth teaches them as well.
REVIVAL_EVERY = 4


@dataclass(frozen=True)
class Step:
    """What one step showed. loss: in squared activations per token, scaled. explained: explained variance, of the
    batch. l0: features on per token. dead: share of features, 0-1. rate: the learning rate."""

    tokens: int
    loss: float
    explained: float
    l0: float
    dead: float
    rate: float


class Trainer:
    """A dictionary in training.

    scale: what activations are multiplied with before they are learnt from, so that their mean squared distance from
    the median is d. Made by `start` from the first block, or restored from a checkpoint. team: those who learn it
    together with this process, each from its rows of every batch.
    """

    team: Together | None = None

    def __init__(self, method: Method, recipe: Recipe, weights: Weights, scale: float) -> None:
        self.method, self.recipe, self.weights, self.scale = method, recipe, weights, scale
        self.memory: dict[str, Tensor] = {}
        self.idle = torch.zeros(weights.m, dtype=torch.long, device=weights.W_dec.device)
        self.tokens = 0
        # fused: one pass over the memory. It trusts gradients to lie in memory as their parameters do (torch 2.13
        # computes wrong updates on a processor otherwise), which `_step` sees to.
        self.adam = torch.optim.Adam([tensor for _, tensor in weights.named()], lr=recipe.rate, fused=True)

    @classmethod
    def start(cls, method: Method, recipe: Recipe, sample: Tensor) -> Trainer:
        """A trainer at its beginning; sample: the first activations (n, d), on the device to train on."""
        some = sample[: 1 << 14].float()
        spread = (some - some.mean(dim=0)).square().sum(dim=1).mean()
        scale = float((some.shape[1] / spread.clamp(min=1e-30)).sqrt())
        weights = begin(some * scale, recipe.features, method.active, recipe.seed)
        method.extend(weights)
        method.settle(weights, some * scale)
        return cls(method, recipe, weights, scale)

    def learn(self, block: Tensor) -> Iterator[Step]:
        """Steps over all rows of a block (n, d), in their order, in batches as equal as can be.

        Ends early when the recipe's tokens are used up.
        """
        rows = block[: max(0, self.recipe.tokens - self.tokens)]
        parts = max(1, round(len(rows) / self.recipe.batch))
        for batch in rows.tensor_split(parts):
            if len(batch):
                yield self._step(batch.float() * self.scale)

    @property
    def over(self) -> bool:
        return self.tokens >= self.recipe.tokens

    def finish(self) -> Sae:
        """The inference form of what has been learnt so far."""
        return self.method.finish(self.weights, self.memory, self.scale)

    def _step(self, x: Tensor) -> Step:
        weights, recipe = self.weights, self.recipe
        rate = recipe.rate_at(self.tokens / recipe.tokens)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.zero_grad(set_to_none=True)
        batch, team = x, self.team
        if team is not None:
            x = team.share(batch)
        with _precision(x):
            found = self.method.forward(weights, x, self.memory)
            loss = found.loss + self._revival(x, found.rebuilt)
        loss.backward()
        for _, tensor in weights.named():
            if tensor.grad is not None and tensor.grad.stride() != tensor.stride():
                tensor.grad = tensor.grad.contiguous()
        if team is not None:
            self._average(team, team.weight(batch))
        weights.project_gradient()
        self.adam.step()
        weights.hold_decoder()
        self.method.mend(weights)
        self.tokens += len(batch)
        self.idle += len(batch)
        self.idle[found.fired if team is None else team.any_of(found.fired)] = 0
        with torch.no_grad():
            spread = (batch - batch.mean(dim=0)).square().sum()
            missed = (x - found.rebuilt.float()).square().sum()
            if team is not None:
                found, missed = self._of_all(team, team.weight(batch), found, missed / len(x) * len(batch))
            explained = 1 - missed / spread
            dead = (self.idle >= recipe.acting_patience).float().mean()
        return Step(self.tokens, float(found.loss.detach()), float(explained), found.l0, float(dead), rate)

    def _average(self, team: Together, weight: float) -> None:
        """Gradients, and what methods remember, as means over the whole batch."""
        for _, tensor in self.weights.named():
            if tensor.grad is None:
                tensor.grad = torch.zeros_like(tensor)
            team.summed(tensor.grad.mul_(weight))
        for name, kept in sorted(self.memory.items()):
            shared = (kept * weight).to(self.idle.device)  # where the others are reached, wherever it is kept
            team.summed(shared)
            self.memory[name] = shared.to(kept.device)

    def _of_all(self, team: Together, weight: float, found: Pass, missed: Tensor) -> tuple[Pass, Tensor]:
        """What a step shows, as means over the whole batch."""
        shown = torch.stack([found.loss.detach(), missed.new_tensor(found.l0), missed]) * weight
        team.summed(shown)
        return replace(found, loss=shown[0], l0=float(shown[1])), shown[2]

    def _revival(self, x: Tensor, rebuilt: Tensor) -> Tensor | float:
        """Dead features are asked to rebuild what the others missed (Gao et al. 2024, appendix A.2).

        The error, as a share of what is missed, in units of a token's squared norm; fewer dead, less weight.
        """
        recipe, weights = self.recipe, self.weights
        if not recipe.revival:
            return 0.0
        dead = (self.idle >= recipe.acting_patience).nonzero().flatten()
        if len(dead) == 0:
            return 0.0
        some = x[::REVIVAL_EVERY]
        missed = some - rebuilt[::REVIVAL_EVERY]
        few = Weights(weights.W_enc[dead], weights.b_enc[dead], weights.W_dec[dead], weights.b_dec.detach())
        k = min(max(1, x.shape[1] // 2), len(dead))
        pre = pre_activations(few, some)
        values, places = pre.topk(k, dim=1, sorted=False)
        codes = torch.zeros_like(pre).scatter(1, places, values.relu())
        gap = (codes @ few.W_dec - missed).square().sum()
        share = gap / missed.square().sum().clamp(min=1e-12)
        size = min(1.0, 2 * len(dead) / x.shape[1])
        return recipe.revival * size * x.shape[1] * share

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name (see `core.dictionaries.training.checkpoint`)."""
        found = {"idle": self.idle, **{f"memory.{name}": value for name, value in self.memory.items()}}
        for name, tensor in self.weights.named():
            found[f"weights.{name}"] = tensor.detach()
            for moment in ("exp_avg", "exp_avg_sq", "step"):
                if tensor in self.adam.state:
                    found[f"adam.{name}.{moment}"] = self.adam.state[tensor][moment]
        return found

    @classmethod
    def restored(
        cls, method: Method, recipe: Recipe, state: dict[str, Tensor], tokens: int, scale: float, device: torch.device
    ) -> Trainer:
        """The trainer that gave `state`; it goes on exactly as that one would have."""
        # What a method remembers stays on the CPU: thresholds are kept in 64 bits, which not every device has.
        here = {name: tensor if name.startswith("memory.") else tensor.to(device) for name, tensor in state.items()}
        weights = Weights(*[here[f"weights.{name}"].clone().requires_grad_(True) for name in NAMES])
        method.extend(weights)
        with torch.no_grad():
            for name, tensor in weights.own.items():
                tensor.copy_(here[f"weights.{name}"])
        trainer = cls(method, recipe, weights, scale)
        trainer.tokens, trainer.idle = tokens, here["idle"].clone()
        trainer.memory = {
            name.removeprefix("memory."): tensor for name, tensor in here.items() if name.startswith("memory.")
        }
        for name, tensor in weights.named():
            moments: dict[str, Any] = {
                moment: here[f"adam.{name}.{moment}"].clone()
                for moment in ("exp_avg", "exp_avg_sq", "step")
                if f"adam.{name}.{moment}" in here
            }
            if moments:
                trainer.adam.state[tensor] = moments
        return trainer


def _precision(x: Tensor) -> Any:
    """Matrix products in bfloat16 on a GPU, whose units are made for it; parameters and sums stay in float32."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if x.is_cuda else nullcontext()
