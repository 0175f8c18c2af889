"""Logits of a part of the vocabulary, so that a step of training costs a fraction of all of them.

A step compares the tokens that the model says most, and a few drawn from all others, which stand for the rest: the
logits of a drawn token are raised by log(rest / drawn), so that the sum of exponentials is right on average (as in the
sampled softmax of Jean et al. 2015, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.lenses.reading import log_softmax
from core.models import Model
from core.models.head import Head, head_of


@dataclass(frozen=True, eq=False)
class Part:
    """Some tokens of the vocabulary. ids: (m,), None for all. raised: (m,) what is added to their logits."""

    ids: Tensor | None
    raised: Tensor | None


class Vocabulary:
    """The head of a model as a function that gradients go through.

    Raises UserError for a network whose head could not be taken apart: nothing can be trained through it.
    """

    def __init__(self, model: Model) -> None:
        self.head: Head = head_of(model)
        if self.head.exact:
            raise UserError(
                f"How {model.id} gets from its last block to its logits could not be taken apart, so that no tuned "
                "lens can be trained on it; the logit lens works."
            )
        self.dtype = model.dtype
        factor, unembedding = self.head.stages[-1]
        # A quantised or adapted unembedding has no rows that could be picked.
        self.matrix = (factor, unembedding) if type(unembedding) is nn.Linear else None
        self.order: Tensor | None = None  # ids, the most frequent first

    def draw(self, frequent: int, sampled: int, generator: torch.Generator) -> Part:
        """The tokens that one step compares: all of them where they are few, or cannot be taken apart."""
        if self.order is None or self.matrix is None or len(self.order) <= frequent + sampled:
            return Part(None, None)
        rest = self.order[frequent:]
        drawn = rest[torch.randint(len(rest), (sampled,), generator=generator).to(rest.device)]
        ids = torch.cat([self.order[:frequent], drawn])
        raised = torch.zeros(len(ids), device=ids.device)
        raised[frequent:] = math.log(len(rest) / sampled)
        return Part(ids, raised)

    def log_probabilities(self, x: Tensor, part: Part) -> Tensor:
        """Of streams x (n, width) before the final norm: (n, tokens of the part), float32."""
        x = x.to(self.dtype)
        if part.ids is None or part.raised is None or self.matrix is None:
            return log_softmax(self.head.finish(self.head.through(x)))
        for factor, module in self.head.stages[:-1]:
            x = module(x if factor == 1.0 else x * factor)
        factor, unembedding = self.matrix
        bias: Tensor | None = unembedding.bias
        bias = None if bias is None else bias[part.ids]
        logits = nn.functional.linear(x if factor == 1.0 else x * factor, unembedding.weight[part.ids], bias)
        return log_softmax(self.head.finish(logits).float() + part.raised)
