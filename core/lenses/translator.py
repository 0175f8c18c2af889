"""The affine map of one layer while it is being trained: first by regression, then by gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.lenses.reading import divergence
from core.lenses.vocabulary import Part, Vocabulary

BETAS, TINY = (0.9, 0.99), 1e-8  # of Adam (Kingma and Ba 2015, algorithm 1)


@dataclass
class Moments:
    """Sums over tokens of a layer's streams x, less `shift`, and of targets y: enough for a regression.

    xx, xy: (width, width) float64. x, y: (width,) float64. shift: (width,) float32, near the mean, so that nothing
    is lost in rounding.
    """

    shift: Tensor
    n: Tensor
    x: Tensor
    y: Tensor
    xx: Tensor
    xy: Tensor

    @classmethod
    def starting(cls, h: Tensor, target: Tensor) -> Moments:
        """Nothing yet, for streams like h."""
        wide = torch.device("cpu") if h.device.type == "mps" else h.device  # which knows no float64

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float64, device=wide)

        d, e = h.shape[1], target.shape[1]
        return cls(h.mean(dim=0), zeros(1), zeros(d), zeros(e), zeros(d, d), zeros(d, e))

    def add(self, h: Tensor, target: Tensor) -> None:
        """Take in streams (n, width) and their targets (n, width)."""
        x = h - self.shift
        self.n += len(h)
        for total, part in ((self.x, x.sum(0)), (self.y, target.sum(0)), (self.xx, x.T @ x), (self.xy, x.T @ target)):
            total += part.to(total)

    def solve(self, ridge: float) -> Translator:
        """Ridge regression of y on x with an unpenalised bias; ridge is in units of the mean variance of x."""
        x, y = self.x / self.n, self.y / self.n
        covariance = self.xx / self.n - torch.outer(x, x)
        size = covariance.diagonal().mean()
        covariance.diagonal().add_(ridge * size if size > 0 else 1.0)
        lower = torch.linalg.cholesky(covariance)
        white = torch.linalg.solve_triangular(lower, torch.eye(len(x)).to(lower), upper=False).T
        matrix = white.T @ (self.xy / self.n - torch.outer(x, y))
        parts = (self.shift.double().to(x) + x, white, matrix, y)
        return Translator(*(part.float().to(self.shift.device) for part in parts))


class Translator:
    """x = (h - centre) @ white @ matrix + bias, of which matrix and bias are learnt.

    white makes the streams' covariance the identity. Without it a few dimensions that are a hundred times as large as
    the others would decide every step.
    """

    def __init__(self, centre: Tensor, white: Tensor, matrix: Tensor, bias: Tensor) -> None:
        self.centre, self.white, self.matrix, self.bias = centre, white, matrix, bias
        self.means = [torch.zeros_like(matrix), torch.zeros_like(bias)]
        self.squares = [torch.zeros_like(matrix), torch.zeros_like(bias)]

    def step(self, h: Tensor, final: Tensor, vocabulary: Vocabulary, part: Part, rate: float, number: int) -> float:
        """One step of Adam on KL(final || lens) over tokens h (n, width); returns it, in nats, before the step.

        final: (n, tokens of the part) log-probabilities. number: of the step, from 1.
        """
        with torch.enable_grad():
            learnt = [self.matrix.requires_grad_(), self.bias.requires_grad_()]
            x = ((h - self.centre) @ self.white) @ self.matrix + self.bias
            loss = divergence(final, vocabulary.log_probabilities(x, part)).mean()
            gradients = torch.autograd.grad(loss, learnt)
        for value, gradient, mean, square in zip(learnt, gradients, self.means, self.squares, strict=True):
            value.requires_grad_(False)
            mean.mul_(BETAS[0]).add_(gradient, alpha=1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            size = (square / (1 - BETAS[1] ** number)).sqrt_().add_(TINY)
            value.addcdiv_(mean, size, value=-rate / (1 - BETAS[0] ** number))
        return float(loss.detach())

    def folded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Centre, matrix and bias of the map h -> (h - centre) @ matrix + bias, on the CPU."""
        return self.centre.cpu(), (self.white @ self.matrix).cpu(), self.bias.cpu()

    def tensors(self) -> dict[str, Tensor]:
        """Its whole state, for a checkpoint."""
        names = ("centre", "white", "matrix", "bias")
        state = {name: getattr(self, name) for name in names}
        for kind, pair in (("mean", self.means), ("square", self.squares)):
            state |= {f"{kind}.matrix": pair[0], f"{kind}.bias": pair[1]}
        return state

    @classmethod
    def restored(cls, state: dict[str, Tensor], device: torch.device) -> Translator:
        """The reverse of `tensors`."""
        state = {name: tensor.to(device) for name, tensor in state.items()}
        made = cls(*(state[name] for name in ("centre", "white", "matrix", "bias")))
        made.means = [state["mean.matrix"], state["mean.bias"]]
        made.squares = [state["square.matrix"], state["square.bias"]]
        return made
