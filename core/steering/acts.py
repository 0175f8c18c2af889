"""A batch's interventions, made ready for the network: rows that do the same thing at one site do it together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core.errors import UserError
from core.models.model import Model
from core.models.site import Kind, Site
from core.steering.interventions import Condition, Intervention, Reader
from core.steering.operators import Operator
from core.steering.positions import Positions

# In which order a block's sites are passed.
_PASSED: tuple[Kind, ...] = ("before", "attention", "hidden", "mlp", "after")


@dataclass(eq=False)
class _Act:
    """One operator on some rows of the batch, each with its own direction, amount and positions.

    rows: (r,) their numbers, ascending; the same as a list in `numbers`. places: of this intervention in each of these
    rows. v: (r, 1, width). c: (r, 1). prompt: boolean (r, tokens of the first pass). first, later: boolean (r, 1).
    whole: these are all rows.
    """

    operator: Operator
    site: Site
    rows: Tensor
    numbers: list[int]
    places: list[int]
    v: Tensor
    c: Tensor
    prompt: Tensor
    first: Tensor
    later: Tensor
    condition: Condition | None
    reader: Reader | None
    whole: bool
    met: Tensor | None = field(default=None)  # boolean (r, 1): rows whose input met a condition per input
    allowed: Tensor | None = field(default=None)  # boolean (r, tokens of this pass), by the condition

    def scheduled(self, steps: Tensor | None) -> Tensor:
        """Boolean (r, tokens of this pass), by the positions alone. steps: (batch,); None reads the prompts."""
        if steps is None:
            return self.prompt
        return torch.where(steps[self.rows, None] == 1, self.first, self.later)


class Acts:
    """All that is done to a batch of rows, each with interventions of its own.

    counted: boolean (batch, prompt tokens), neither padding nor first nor special. real: the same, no padding. prompts:
    where the first pass reads whole texts in place of prompts, how many tokens of each row are its prompt; those after
    it then count as generated. met: where the prompts were read before, whether each intervention's condition per input
    was met in its row, as `met` gives it then.

    After a pass `fired[row]` is a boolean (interventions of the row, tokens of the pass): where each of them acted.
    """

    def __init__(
        self,
        model: Model,
        rows: Sequence[Sequence[Intervention]],
        counted: Tensor,
        real: Tensor,
        prompts: Sequence[int] | None = None,
        *,
        met: Sequence[Sequence[bool | None]] | None = None,
    ) -> None:
        own = real.long().cumsum(dim=1) - 1  # the number of each token in its own row, without padding
        lengths = real.sum(dim=1) if prompts is None else torch.tensor(prompts, device=real.device)
        written = own - lengths[:, None]  # from 0 in the tokens that count as generated, negative in the prompt
        self.counted = counted & (written < 0)
        self.fired: tuple[Tensor, ...] = ()
        self._n = [len(row) for row in rows]
        self._steps: Tensor | None = None  # (batch,) of the pass that is running; None while the prompt is read
        self._acts = [_act(model, group, _Tokens(self.counted, real, own, written)) for group in _grouped(rows)]
        for act in self._acts:
            if met is not None and act.condition is not None and act.condition.per == "input":
                known = [bool(met[row][place]) for row, place in zip(act.numbers, act.places, strict=True)]
                act.met = torch.tensor(known, device=real.device)[:, None]

    def met(self, row: int) -> tuple[bool | None, ...]:
        """Of each intervention of a row, whether its condition per input was met in the prompt; None without one."""
        found: list[bool | None] = [None] * self._n[row]
        for act in self._acts:
            if act.met is not None and row in act.numbers:
                at = act.numbers.index(row)
                found[act.places[at]] = bool(act.met[at])
        return tuple(found)

    def edits(self, step: int | Sequence[int]) -> dict[Site, Callable[[Tensor], Tensor | None]]:
        """What stands on each site during pass number `step`; it fills `fired` while it runs.

        Pass 0 reads the prompts. Later ones read one token of each row, and rows may be at different ones.
        """
        reads_prompt = step == 0
        tokens = self.counted.shape[1] if reads_prompt else 1
        steps = [step] * len(self.counted) if isinstance(step, int) else step
        self._steps = None if reads_prompt else torch.tensor(list(steps), device=self.counted.device)
        self.fired = tuple(torch.zeros(n, tokens, dtype=torch.bool, device=self.counted.device) for n in self._n)
        for act in self._acts:
            act.allowed = None
        sites = [act.condition.site for act in self._acts if act.condition] + [act.site for act in self._acts]
        return {site: self._on(site, tokens) for site in dict.fromkeys(sites)}

    def _on(self, site: Site, tokens: int) -> Callable[[Tensor], Tensor | None]:
        judged = [(act, act.condition) for act in self._acts if act.condition and act.condition.site == site]
        acting = [act for act in self._acts if act.site == site]

        def function(h: Tensor) -> Tensor | None:
            # Some MLPs see their tokens as one long row; positions need the batch.
            x = h.reshape(len(self.counted), tokens, -1)
            for act, condition in judged:
                act.allowed = self._judged(act, condition, x)
            for act in acting:
                x = self._done(act, x)
            return x.reshape(h.shape) if acting else None

        return function

    def _judged(self, act: _Act, condition: Condition, h: Tensor) -> Tensor:
        rows = _wide(h if act.whole else h[act.rows])
        vector = torch.tensor(condition.vector).to(rows)
        above = (condition.reader(rows) if condition.reader else rows @ vector) > condition.above
        if condition.per == "token":
            return above
        if self._steps is None:
            act.met = (above & self.counted[act.rows]).any(dim=1, keepdim=True)
        assert act.met is not None  # the prompt is always read first
        return act.met.expand(above.shape)

    def _done(self, act: _Act, h: Tensor) -> Tensor:
        fires = act.scheduled(self._steps)
        if act.condition is not None:
            if act.allowed is None:
                raise UserError(f"{act.condition.site} is read after {act.site} is acted on; read it earlier.")
            fires = fires & act.allowed
        for fire, row, place in zip(fires, act.numbers, act.places, strict=True):
            self.fired[row][place] = fire
        rows = h if act.whole else h[act.rows]
        wide = _wide(rows)
        p = act.reader(wide) if act.reader else (wide * act.v).sum(dim=-1)
        new = torch.where(fires[:, :, None], act.operator(wide, p, act.v, act.c).to(h.dtype), rows)
        return new if act.whole else h.index_copy(0, act.rows, new)


@dataclass(frozen=True, eq=False)
class _Tokens:
    """The tokens of the first pass, each boolean or integer (batch, tokens); see `Acts`."""

    counted: Tensor
    real: Tensor
    own: Tensor
    written: Tensor

    def at(self, positions: Positions, row: int) -> Tensor:
        """Boolean (tokens,): on which tokens of a row these positions are."""
        real, own, written = self.real[row], self.own[row], self.written[row]
        mask = ((real & (written < 0)) if positions.special else self.counted[row]) & positions.prompt
        if positions.within is not None:
            inside = torch.zeros_like(mask)
            for start, stop in positions.within:
                inside |= (own >= start) & (own < stop)
            mask = mask & inside
        return mask | (real & (written == 0) & positions.first) | (real & (written > 0) & positions.later)


def _wide(h: Tensor) -> Tensor:
    """h in at least 32 bits: sums over a wide activation lose too much in 16."""
    return h.float() if h.element_size() < 4 else h


def _grouped(rows: Sequence[Sequence[Intervention]]) -> list[list[tuple[int, int, Intervention]]]:
    """(row, place in it, intervention), in lists that one operator call can serve; a row's own order is kept."""
    groups: dict[tuple[int, Operator, Site, int, int], list[tuple[int, int, Intervention]]] = {}
    for number, interventions in enumerate(rows):
        for place, one in enumerate(interventions):
            key = (place, one.operator, one.site, id(one.condition), id(one.reader))
            groups.setdefault(key, []).append((number, place, one))
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _act(model: Model, group: list[tuple[int, int, Intervention]], tokens: _Tokens) -> _Act:
    numbers, places = [number for number, _, _ in group], [place for _, place, _ in group]
    some = group[0][2]
    if len({one.vector.shape for _, _, one in group}) > 1:
        widths = " and of ".join(str(len(one.vector)) for _, _, one in group[:2])
        raise UserError(f"Directions of {widths} values cannot meet at {some.site}.")
    if some.condition is not None and _passed(some.condition.site) > _passed(some.site):
        raise UserError(
            f"The condition reads {some.condition.site}, which lies behind {some.site} that it decides on; read it"
            " at the same place or earlier."
        )
    rows = torch.tensor(numbers, device=model.device)
    dtype = torch.float32 if model.dtype.itemsize < 4 else model.dtype
    c = torch.tensor([[one.coefficient] for _, _, one in group], dtype=torch.float64)
    if not bool(c.to(model.dtype).isfinite().all()):
        raise UserError(
            f"This dose is too large for {model.dtype_name} numbers; doses beyond 1 or 2 only break a text."
        )
    positions = [one.positions for _, _, one in group]

    def switch(values: list[bool]) -> Tensor:
        return torch.tensor(values, dtype=torch.bool, device=model.device)[:, None]

    return _Act(
        operator=some.operator,
        site=some.site,
        rows=rows,
        numbers=numbers,
        places=places,
        v=torch.from_numpy(np.stack([one.vector for _, _, one in group])).to(model.device, dtype)[:, None, :],
        c=c.to(model.device, dtype),
        prompt=torch.stack([tokens.at(one, row) for one, row in zip(positions, numbers, strict=True)]),
        first=switch([one.first for one in positions]),
        later=switch([one.later for one in positions]),
        condition=some.condition,
        reader=some.reader,
        whole=numbers == list(range(len(tokens.real))),
    )


def _passed(site: Site) -> tuple[int, int]:
    """Sorts sites by when a forward pass meets them."""
    return site.layer, _PASSED.index(site.kind)
