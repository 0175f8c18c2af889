"""What a dictionary makes of tokens as they come: explained variance, how many features are on and how often, norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core.dictionaries.dictionary import Dictionary
from core.dictionaries.metrics.explained import Explained
from core.dictionaries.metrics.missing import Errors, Missing, halves_of
from core.dictionaries.metrics.resample import interval
from core.dictionaries.stream import read_tokens
from core.errors import UserError
from core.examples.grouping import group_rows
from core.models import Model
from core.progress import Listener, silent

SAMPLE = 16_384  # tokens kept whole, for what needs them again


@dataclass(frozen=True, eq=False)
class Reading:
    """Over the kept tokens of some texts.

    explained_variance with its interval (texts drawn again). l0: features on per token, mean; l0_quantiles: 5, 25, 50,
    75 and 95%. density: (n_features,) share of tokens on which each feature is on. mean: (d_out,) of what is rebuilt.
    components: explained variance of as many principal components as features are on per token, fitted on these very
    tokens: what a linear dictionary of that size could do at best; None where input and output differ.
    missing: what is not rebuilt, in parts; None where it was not asked for or cannot be told. target, codes_norm,
    rebuilt, inner: of the first 16,384 tokens: (n, d_out), (n,) norm of the codes times the lengths of their rows,
    (n, d_out), and (n, d_out) what is rebuilt before the token's own scale is put back, which the codes add up to.
    """

    n_tokens: int
    n_texts: int
    explained_variance: float
    explained_interval: tuple[float, float] | None
    l0: float
    l0_quantiles: tuple[float, ...]
    density: np.ndarray
    mean: Tensor
    components: float | None
    missing: Missing | None
    target: Tensor
    codes_norm: Tensor
    rebuilt: Tensor
    inner: Tensor

    @property
    def dead(self) -> float:
        """Share of features that are on nowhere, 0-1; it falls with the number of tokens."""
        return float((self.density == 0).mean())


@dataclass(eq=False)
class _Sample:
    target: list[Tensor] = field(default_factory=list)
    codes_norm: list[Tensor] = field(default_factory=list)
    rebuilt: list[Tensor] = field(default_factory=list)
    inner: list[Tensor] = field(default_factory=list)


class _PerText:
    """Sums over each text's tokens, enough for the variance about any mean."""

    def __init__(self, n: int) -> None:
        self.sums = np.zeros((n, 3))  # tokens, what is missed, |x - origin|^2
        self.away = torch.zeros(0)

    def add(self, rows: Tensor, missed: Tensor, away: Tensor) -> None:
        """missed: (k,) |x - x^|^2; away: (k, d) x - origin."""
        columns = torch.stack([torch.ones_like(missed), missed, away.square().sum(dim=1)], dim=1)
        np.add.at(self.sums, rows.numpy(), columns.numpy())
        if len(self.away) == 0:
            self.away = away.new_zeros(len(self.sums), away.shape[1])
        self.away.index_add_(0, rows, away)

    def interval(self, shift: Tensor, groups: Sequence[int]) -> tuple[float, float] | None:
        """Of the explained variance; the mean, origin + shift, stands still while texts are drawn again."""
        n, missed, squares = self.sums.T
        spread = squares - 2 * (self.away @ shift).numpy() + n * float(shift.square().sum())
        pairs = np.stack([missed, spread], axis=1)
        return interval(pairs, groups, lambda totals: 1 - totals[:, 0] / totals[:, 1])


@torch.no_grad()
def read(
    model: Model,
    dictionary: Dictionary,
    texts: Sequence[str],
    *,
    groups: Sequence[int] | None = None,
    in_parts: bool = False,
    max_length: int = 256,
    progress: Listener = silent,
) -> Reading:
    """Run `dictionary` (bound to `model`, see `fitted`) over texts; one pass, memory bounded.

    groups: texts that belong together when they are drawn again or dealt into halves; without them only equal texts
    do. in_parts: tell what is `missing`, which takes products of all pairs of dimensions. Raises UserError if fewer
    than two tokens are kept.
    """
    groups = group_rows(texts).tolist() if groups is None else groups
    errors = Errors(halves_of(groups)) if in_parts else None
    card, coder = dictionary.card, dictionary.coder.to(model.device)
    assert card.reads is not None
    assert card.rebuilds is not None
    explained, sample, counts = Explained(), _Sample(), np.zeros(coder.n_features)
    actives: list[np.ndarray] = []
    scatter = torch.zeros(0)
    per_text = _PerText(len(texts))
    lengths = coder.W_dec.norm(dim=1)
    seen = 0
    for tokens in read_tokens(
        model,
        texts,
        list(dict.fromkeys((card.reads, card.rebuilds))),
        positions=card.positions,
        max_length=max_length,
        note=f"reading with {dictionary.name}",
        progress=progress,
    ):
        x, target = tokens.read[card.reads].float(), tokens.read[card.rebuilds].float()
        if len(x) == 0:
            continue
        codes = coder.encode(x)
        rebuilt = coder.decode(codes, x)
        explained.add(target, rebuilt)
        counts += (codes != 0).sum(dim=0).cpu().numpy()
        actives.append((codes != 0).sum(dim=1).cpu().numpy())
        away = target.cpu().double() - explained.origin
        scatter = away.T @ away if len(scatter) == 0 else scatter + away.T @ away
        missed = (target.cpu().double() - rebuilt.cpu().double()).square().sum(dim=1)
        per_text.add(tokens.row_of.cpu(), missed, away)
        if errors is not None:
            errors.add(x, target, rebuilt, tokens.row_of)
        if seen < SAMPLE:
            sample.target.append(target.cpu())
            sample.codes_norm.append((codes * lengths).norm(dim=1).cpu())
            sample.rebuilt.append(rebuilt.cpu())
            if coder.writes_scaled:
                sample.inner.append((codes @ coder.W_dec + coder.tensors()["b_dec"]).cpu())
        seen += len(x)
    if seen < 2:
        raise UserError("The texts hold fewer than two tokens to measure on; give more or longer ones.")
    mean = explained.origin + explained.sums / seen
    active = np.concatenate(actives)
    return Reading(
        n_tokens=seen,
        n_texts=len(texts),
        explained_variance=explained.value,
        explained_interval=per_text.interval(mean - explained.origin, groups),
        l0=float(active.mean()),
        l0_quantiles=tuple(float(q) for q in np.quantile(active, [0.05, 0.25, 0.5, 0.75, 0.95])),
        density=counts / seen,
        mean=mean.float(),
        components=_components(scatter, mean - explained.origin, seen, round(float(active.mean()))),
        missing=None if errors is None else errors.split(),
        target=torch.cat(sample.target)[:SAMPLE],
        codes_norm=torch.cat(sample.codes_norm)[:SAMPLE],
        rebuilt=torch.cat(sample.rebuilt)[:SAMPLE],
        inner=torch.cat(sample.inner or sample.rebuilt)[:SAMPLE],
    )


def _components(scatter: Tensor, shift: Tensor, n: int, k: int) -> float | None:
    values = torch.linalg.eigvalsh(scatter - n * torch.outer(shift, shift)).clamp(min=0)
    return float(values[len(values) - min(max(k, 1), len(values)) :].sum() / values.sum())
