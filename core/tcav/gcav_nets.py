"""The networks of GCAV: CAVs of all layers into one space, aligned, fused to one vector, and back to every layer.

After "GCAV: A Global Concept Activation Vector Framework for Cross-Layer Consistency" (He et al. 2025), smaller, since
activations are pooled here: an autoencoder for each layer, an alignment shared by all (InfoNCE and cosine), attention
of four heads over the layers, and decoders. The loss of fusion is 3 times the variance of the scores over the layers
plus the mean of 1 - cos to the CAVs that went in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

SIZE, HIDDEN, HEADS = 128, 256, 4
TAU = 0.1  # temperature of InfoNCE
STEPS = 300  # of each of the three stages
RATE = 1e-3
BATCH = 32  # concepts, and as many pseudo-concepts

Layers = list[Tensor]  # per layer (b, d)
# Takes unit CAVs per layer and gives smooth scores (b, layers), 0 to 1.
Score = Callable[[Layers], Tensor]
# Takes how many, and gives CAVs of concepts, which of them each is (b,), and CAVs of pseudo-concepts.
Draw = Callable[[int], tuple[Layers, Tensor, Layers]]


@dataclass(frozen=True, eq=False)
class Trained:
    """Frozen networks. gcav, mean: from unit CAVs per layer to fused ones; mean takes a mean in place of attention."""

    gcav: Callable[[Layers], Layers]
    mean: Callable[[Layers], Layers]


class Nets(nn.Module):
    """widths: of the layers."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(_mlp(width, HIDDEN, SIZE) for width in widths)
        self.decoders = nn.ModuleList(_mlp(SIZE, HIDDEN, width) for width in widths)
        self.alignment = _mlp(SIZE, SIZE, SIZE)
        self.attention = nn.MultiheadAttention(SIZE, HEADS, batch_first=True)

    def encoded(self, cavs: Layers) -> Layers:
        return [encoder(cav) for encoder, cav in zip(self.encoders, cavs, strict=True)]

    def aligned(self, cavs: Layers) -> Tensor:
        """(b, layers, SIZE), of length 1."""
        return normalize(torch.stack([self.alignment(one) for one in self.encoded(cavs)], dim=1), dim=-1)

    def fused(self, aligned: Tensor) -> Tensor:
        """(b, SIZE)."""
        return (aligned + self.attention(aligned, aligned, aligned, need_weights=False)[0]).mean(dim=1)

    def decoded(self, embedding: Tensor) -> Layers:
        """Unit CAVs at every layer from one embedding (b, SIZE)."""
        return [normalize(decoder(embedding), dim=-1) for decoder in self.decoders]


def train(widths: Sequence[int], draw: Draw, score: Score, *, seed: int, tell: Callable[[int, int], None]) -> Trained:
    """The three stages one after the other. tell: takes steps done and all steps."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        nets = Nets(widths)
        losses = (_reconstruction, _alignment, _fusion)
        parts: tuple[list[nn.Module], ...] = (
            [nets.encoders, nets.decoders],
            [nets.alignment, nets.encoders, nets.decoders],
            [nets.attention, nets.decoders],
        )
        plain = nets
        for stage, (loss_of, trained) in enumerate(zip(losses, parts, strict=True)):
            if stage == 2:
                plain = copy.deepcopy(nets)
            optimiser = torch.optim.Adam([p for part in trained for p in part.parameters()], lr=RATE)
            for step in range(STEPS):
                tell(stage * STEPS + step, 3 * STEPS)
                optimiser.zero_grad()
                loss_of(nets, score, *draw(BATCH)).backward()
                optimiser.step()
    nets.requires_grad_(False)
    plain.requires_grad_(False)
    return Trained(
        gcav=lambda cavs: nets.decoded(nets.fused(nets.aligned(cavs))),
        mean=lambda cavs: plain.decoded(plain.aligned(cavs).mean(dim=1)),
    )


def _mlp(inside: int, hidden: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, hidden), nn.ReLU(), nn.Linear(hidden, outside))


def _away(found: Layers, wanted: Layers) -> Tensor:
    """Mean of 1 - cos over rows and layers."""
    return torch.stack(
        [1 - cosine_similarity(one, other, dim=-1).mean() for one, other in zip(found, wanted, strict=True)]
    ).mean()


def _joined(one: Layers, other: Layers) -> Layers:
    return [torch.cat(pair) for pair in zip(one, other, strict=True)]


def _reconstruction(nets: Nets, score: Score, concepts: Layers, which: Tensor, pseudo: Layers) -> Tensor:
    del score, which
    cavs = _joined(concepts, pseudo)
    found = [decoder(one) for decoder, one in zip(nets.decoders, nets.encoded(cavs), strict=True)]
    return _away(found, cavs)


def _alignment(nets: Nets, score: Score, concepts: Layers, which: Tensor, pseudo: Layers) -> Tensor:
    """A concept's CAV at one layer shall be near its CAV at another, and far from those of pseudo-concepts."""
    del score, which
    own, random = nets.aligned(concepts), nets.aligned(pseudo)
    one, other = torch.randperm(own.shape[1])[:2]
    near = (own[:, one] * own[:, other]).sum(dim=-1, keepdim=True)
    far = own[:, one] @ random.flatten(0, 1).T
    contrast = cross_entropy(torch.cat([near, far], dim=1) / TAU, torch.zeros(len(near), dtype=torch.long))
    # Decoders are to understand what is aligned, one layer's vector as well as the mean of all.
    cavs, embeddings = _joined(concepts, pseudo), torch.cat([own, random])
    each = [decoder(embeddings[:, layer]) for layer, decoder in enumerate(nets.decoders)]
    return contrast + 3 * (1 - near.mean()) + _away(each, cavs) + _away(nets.decoded(embeddings.mean(dim=1)), cavs)


def _fusion(nets: Nets, score: Score, concepts: Layers, which: Tensor, pseudo: Layers) -> Tensor:
    """Concepts and pseudo-concepts alike, so that what is learnt cannot favour the former."""
    del which
    cavs = _joined(concepts, pseudo)
    with torch.no_grad():
        aligned = nets.aligned(cavs)
    found = nets.decoded(nets.fused(aligned))
    return 3 * score(found).var(dim=1, correction=0).mean() + _away(found, cavs)
