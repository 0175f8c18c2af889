"""What putting the reconstruction in the activations' place does to the model: cross-entropy and KL divergence.

Four passes over the same texts: untouched, with the reconstruction, with zeros, with the mean. Only tokens on which the
dictionary is meaningful are replaced; first and special tokens and sinks pass unchanged in all four, since a dictionary
that never saw them would be blamed for what it was not made for, and ablating them would make anything look good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.dictionaries.card import Card
from core.dictionaries.coder import Coder
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.metrics.resample import interval
from core.dictionaries.stream import kept_mask
from core.errors import UserError
from core.examples.grouping import group_rows
from core.models import Model, batch, edit, tokenize
from core.models.hooks import on_sites
from core.models.recording import forward
from core.progress import Listener, Progress, silent

BATCH_TOKENS = 512  # all logits of a batch are held, twice
Share = Callable[[np.ndarray], np.ndarray]
ARMS = ("dictionary", "zero", "mean")


@dataclass(frozen=True)
class Breaking:
    """ce: nats per predicted token, by arm ("clean" and ARMS); kl: from the clean distribution, by arm, in nats.

    ce_recovered = (zero - dictionary) / (zero - clean), ce_recovered_mean with the mean in the place of zero; so for
    kl_recovered and kl_recovered_mean. 1: nothing is lost; 0: no better than ablation. Each with a 95% interval (texts
    drawn again). n_tokens: how many were predicted; n_replaced: how many activations were replaced.
    """

    ce: dict[str, float]
    kl: dict[str, float]
    recovered: dict[str, float]
    intervals: dict[str, tuple[float, float] | None]
    n_tokens: int
    n_replaced: int


@torch.no_grad()
def breaking(
    model: Model,
    dictionary: Dictionary,
    texts: Sequence[str],
    mean: Tensor,
    *,
    groups: Sequence[int] | None = None,
    max_length: int = 256,
    progress: Listener = silent,
) -> Breaking:
    """Measure over texts. mean: (d_out,), the mean activation that mean ablation puts in.

    Raises UserError if there is no token to predict.
    """
    card = dictionary.card
    coder = dictionary.coder.to(model.device)
    ids = tokenize(model, texts, max_length)
    order = sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i))
    # Columns: predicted tokens; nats of clean and of each arm; KL of each arm.
    sums, replaced = np.zeros((len(texts), 1 + 1 + 2 * len(ARMS))), 0
    done = 0
    while done < len(order):
        rows = order[done : done + max(1, BATCH_TOKENS // len(ids[order[done]]))]
        inputs = batch(model, [ids[i] for i in rows])
        found, count = _arms(model, coder, card, inputs, mean)
        sums[rows] = found
        replaced += count
        done += len(rows)
        progress(Progress(done, len(order), "texts", f"breaking with {dictionary.name}"))
    totals = sums.sum(axis=0)
    if totals[0] == 0:
        raise UserError("The texts hold no token to predict; give longer ones.")
    names = ("clean", *ARMS)
    groups = group_rows(texts).tolist() if groups is None else groups
    return Breaking(
        ce={name: float(totals[1 + i] / totals[0]) for i, name in enumerate(names)},
        kl={name: float(totals[5 + i] / totals[0]) for i, name in enumerate(ARMS)},
        recovered={name: float(share(totals[None])[0]) for name, share in SHARES.items()},
        intervals={name: interval(sums, groups, share) for name, share in SHARES.items()},
        n_tokens=int(totals[0]),
        n_replaced=replaced,
    )


def _arms(model: Model, coder: Coder, card: Card, inputs: dict[str, Tensor], mean: Tensor) -> tuple[np.ndarray, int]:
    """Sums of each row of a batch, (b, columns), and how many activations were replaced."""
    reads, rebuilds = card.reads, card.rebuilds
    assert reads is not None
    assert rebuilds is not None
    seen: list[Tensor] = []

    def look(h: Tensor) -> None:
        seen.append(h.detach().clone())

    with on_sites(model, {reads: look}):
        clean = _log_probabilities(model, inputs)
    rows, tokens = inputs["input_ids"].shape
    x = seen[0].reshape(rows, tokens, -1)
    kept = kept_mask(model, inputs, x, card.positions)
    rebuilt = coder.reconstruct(x[kept].float())
    instead = {"dictionary": rebuilt, "zero": torch.zeros_like(rebuilt), "mean": mean.to(rebuilt).expand_as(rebuilt)}
    real = inputs["attention_mask"][:, 1:].bool()
    targets = inputs["input_ids"][:, 1:, None]
    counts = real.sum(dim=1)

    def nats(log_p: Tensor) -> Tensor:
        return -(log_p[:, :-1].gather(2, targets)[..., 0] * real).sum(dim=1)

    columns, divergences = [counts, nats(clean)], []
    for arm in ARMS:

        def put(h: Tensor, values: Tensor = instead[arm]) -> Tensor:
            changed = h.clone()
            changed.view(rows, tokens, -1)[kept] = values.to(h.dtype)
            return changed

        with edit(model, {rebuilds: put}):
            log_p = _log_probabilities(model, inputs)
        columns.append(nats(log_p))
        gap = (clean[:, :-1].exp() * (clean[:, :-1] - log_p[:, :-1])).sum(dim=2)
        divergences.append((gap * real).sum(dim=1))
    table = torch.stack([column.cpu().double() for column in [*columns, *divergences]], dim=1)
    return table.numpy(), int(kept.sum())


def _log_probabilities(model: Model, inputs: dict[str, Tensor]) -> Tensor:
    model.check_predicts_words()
    return forward(model, inputs).logits.float().log_softmax(dim=-1)


def _share(clean: int, ours: int, ablated: int) -> Share:
    """(ablated - ours) / (ablated - clean) of totals (r, columns); clean -1 stands for 0."""

    def share(totals: np.ndarray) -> np.ndarray:
        floor = totals[:, clean] if clean >= 0 else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((totals[:, ablated] - totals[:, ours]) / (totals[:, ablated] - floor))

    return share


SHARES: dict[str, Share] = {
    "ce_recovered": _share(1, 2, 3),
    "ce_recovered_mean": _share(1, 2, 4),
    "kl_recovered": _share(-1, 5, 6),
    "kl_recovered_mean": _share(-1, 5, 7),
}
