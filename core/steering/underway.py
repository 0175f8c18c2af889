"""Texts that are being written: a batch between two of its tokens, which rows may join and leave.

transformers prepares everything (caches, masks, logits processors) exactly as for its own `generate`; the loop is
ours, so that the model's lock and the edits are held for one token step at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from core.errors import UserError
from core.models.editing import edit
from core.models.model import Model
from core.models.tokens import batch, counted_positions
from core.steering.acts import Acts
from core.steering.decoding import Decoding, generation_config
from core.steering.interventions import Intervention
from core.steering.key_values import can_be_put_together, put_together, taken

NOT_A_NUMBER = "The model's answer is not a number under this push; use a smaller dose."
# Processors that look at each row's scores alone; any other is also told what the row has written.
ROW_BY_ITSELF = {"TemperatureLogitsWarper", "TopPLogitsWarper"}


@dataclass(eq=False)
class Line:
    """One text that is being written. ids: of its prompt, then what was written. prompt: how many are its prompt.

    padding: columns that stood before it when its batch began; processors count lengths with them. met: of each
    intervention, whether its condition per input was met; known once the prompt was read.
    """

    ids: list[int]
    prompt: int
    padding: int
    interventions: tuple[Intervention, ...]
    decoding: Decoding
    random: torch.Generator
    processors: Any
    ends: frozenset[int]
    met: tuple[bool | None, ...] = ()

    @property
    def n_written(self) -> int:
        return len(self.ids) - self.prompt

    @property
    def start(self) -> int:
        """Column, in the batch that it began in, of the first token that is read next."""
        return self.padding + len(self.ids) - 1 if self.n_written else 0

    @property
    def over(self) -> bool:
        return bool(self.n_written) and (self.ids[-1] in self.ends or self.n_written >= self.decoding.max_new_tokens)


@dataclass(frozen=True, eq=False)
class Told:
    """A line's next token; None where the model's answer was not a number. fired, start, logits: as in `Step`."""

    line: Line
    token: int | None
    fired: Tensor
    start: int
    logits: Tensor


class Underway:
    """Lines of one batch, all read up to the same column. Made by `begin`; empty once all are over."""

    def __init__(
        self, model: Model, lines: Sequence[Line | None], ids: Tensor, acts: Acts, state: dict[str, Any]
    ) -> None:
        """ids: (rows, columns). state: what transformers hands from step to step."""
        self.model = model
        self._rows: list[Line | None] = list(lines)  # None: over, in a batch whose rows cannot be moved
        self._ids, self._acts, self._state = ids, acts, state

    @property
    def lines(self) -> list[Line]:
        """Those that go on."""
        return [line for line in self._rows if line is not None]

    def step(self) -> list[Told]:
        """Read what is there and choose a token for each line; lines that are over with it leave."""
        first = any(line.n_written == 0 for line in self.lines)
        steps: int | list[int] = 0 if first else [line.n_written if line else 2 for line in self._rows]
        network = self.model.network
        with edit(self.model, self._acts.edits(steps)), torch.inference_mode():
            inputs = network.prepare_inputs_for_generation(
                self._ids, next_sequence_length=None if first else 1, is_first_iteration=first, **self._state
            )
            outputs = network(**inputs, return_dict=True)
            self._state = network._update_model_kwargs_for_generation(outputs, self._state)
            logits = outputs.logits[:, -1].float()
            wrong = logits.isnan().any(dim=-1)
            chosen = self._choose(logits.masked_fill(wrong[:, None], 0.0))
            self._ids = torch.cat([self._ids, chosen[:, None]], dim=1)
        told = []
        for row, (line, token, bad) in enumerate(zip(self._rows, chosen.tolist(), wrong.tolist(), strict=True)):
            if line is None:
                continue
            told.append(Told(line, None if bad else token, self._acts.fired[row], line.start, logits[row]))
            line.ids.append(token)
            if first:
                line.met = self._acts.met(row)
        self.drop([one.line for one in told if one.line.over or one.token is None])
        return told

    @property
    def movable(self) -> bool:
        """Whether lines can leave for another batch, or come from one, now that their prompts were read."""
        tensors = {name: value for name, value in self._state.items() if isinstance(value, Tensor)}
        known = all(
            name in ("attention_mask", "position_ids") and value.shape == self._ids.shape
            for name, value in tensors.items()
        )
        # Rotary embeddings that are stretched for the longest text of a batch make its rows depend on one another.
        turned = str(getattr(self.model.network.config, "rope_parameters", None))
        stretched = "dynamic" in turned or "longrope" in turned
        cached = can_be_put_together(self._state.get("past_key_values"))
        return known and cached and not stretched and "attention_mask" in self._state

    def join(self, other: Underway) -> None:
        """Take over the lines of another batch, which is empty then. Both are movable."""
        width = max(self._ids.shape[1], other._ids.shape[1])
        with torch.inference_mode():
            mine, theirs = self._widened(width), other._widened(width)
            put_together(self._state["past_key_values"], other._state["past_key_values"])
            self._hold([*self.lines, *other.lines], *(torch.cat(both) for both in zip(mine, theirs, strict=True)))
        other._rows, other._state = [], {}

    def split(self, lines: Sequence[Line]) -> Underway:
        """These lines in a batch of their own, and no longer in this one, which is movable or holds no others."""
        apart = Underway(self.model, self._rows, self._ids, self._acts, dict(self._state))
        apart.drop([line for line in self.lines if line not in lines])
        self.drop(lines)
        return apart

    def drop(self, lines: Sequence[Line]) -> None:
        """Forget these lines, and what was kept for them."""
        left = [line for line in self.lines if line not in lines]
        if len(left) == len(self.lines):
            return
        if not left:
            self._rows, self._state = [], {}
        elif not self.movable:
            self._rows = [line if line in left else None for line in self._rows]
        else:
            with torch.inference_mode():
                rows = torch.tensor([self._rows.index(line) for line in left], device=self._ids.device)
                ids, mask, places = (part[rows] for part in self._widened(self._ids.shape[1]))
                cut = int(mask.any(dim=0).long().argmax())  # columns that are padding in all that are left
                self._state["past_key_values"] = taken(self._state["past_key_values"], rows, cut)
                self._hold(left, ids[:, cut:], mask[:, cut:], places[:, cut:])

    def _widened(self, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, mask and places, each (rows, width), padded on the left."""
        mask = self._state.get("attention_mask")
        mask = torch.ones_like(self._ids) if mask is None else mask
        places = self._state.get("position_ids", torch.zeros_like(self._ids))
        more = (width - self._ids.shape[1], 0)
        return pad(self._ids, more, value=self.model.pad_id), pad(mask, more), pad(places, more)

    def _hold(self, lines: list[Line], ids: Tensor, mask: Tensor, places: Tensor) -> None:
        """Go on with these lines. As in transformers' own generation there is no mask where nothing is padded."""
        self._rows, self._ids = list(lines), ids
        self._state["attention_mask"] = None if bool(mask.all()) else mask
        if "position_ids" in self._state:
            self._state["position_ids"] = places
        alone = torch.ones(len(lines), 1, dtype=torch.bool, device=ids.device)
        self._acts = Acts(
            self.model, [line.interventions for line in lines], alone, alone, met=[line.met for line in lines]
        )

    def _choose(self, logits: Tensor) -> Tensor:
        """Next token per row (rows,): the best, or one drawn with the line's own random numbers."""
        scores = logits.clone()
        alike: dict[object, list[int]] = {}
        for row, line in enumerate(self._rows):
            if line is None or not line.processors:
                continue
            by_itself = {type(one).__name__ for one in line.processors} <= ROW_BY_ITSELF
            key = (line.decoding.temperature, line.decoding.top_p) if by_itself else row
            alike.setdefault(key, []).append(row)
        for rows in alike.values():
            line = self._rows[rows[0]]
            assert line is not None  # left out above
            # Padding is not part of a text: its first token stands for it, so that lengths are what they were.
            text = [line.ids[0]] * line.padding + line.ids
            ids = torch.tensor([text], device=logits.device).expand(len(rows), -1)
            scores[rows] = line.processors(ids, logits[rows])
        best: list[int] = scores.argmax(dim=-1).tolist()
        for row, line in enumerate(self._rows):
            if line is not None and line.decoding.temperature > 0:
                drawn = torch.multinomial(scores[row].softmax(dim=-1), 1, generator=line.random)
                best[row] = int(drawn)
        return torch.tensor(best, device=logits.device)


def begin(
    model: Model,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Intervention]],
    decoding: Decoding,
    *,
    seeds: Sequence[int] | None = None,
) -> Underway:
    """A batch whose prompts are read with its first step. prompts, rows, seeds: as for `stream`."""
    inputs = check(model, prompts, rows, decoding)
    real = inputs["attention_mask"].bool()
    acts = Acts(model, rows, counted_positions(model, inputs), real)
    with model.lock, torch.inference_mode():
        config = generation_config(model, decoding)
        ids, processors, state, ends = model.network.generate(
            **inputs, generation_config=config, custom_generate=_prepared
        )
    padding = (~real).sum(dim=1).tolist()
    lines = [
        Line(
            ids=list(prompt),
            prompt=len(prompt),
            padding=before,
            interventions=tuple(row),
            decoding=decoding,
            random=torch.Generator(model.device).manual_seed(seed),
            processors=processors,
            ends=ends,
        )
        for prompt, row, before, seed in zip(prompts, rows, padding, seeds or [decoding.seed] * len(rows), strict=True)
    ]
    return Underway(model, lines, ids, acts, state)


def check(
    model: Model, prompts: Sequence[Sequence[int]], rows: Sequence[Sequence[Intervention]], decoding: Decoding
) -> dict[str, Tensor]:
    """The prompts as a batch. Raises UserError where there is nothing to go on from, or no room to."""
    model.check_predicts_words()
    if not prompts or len(prompts) != len(rows):
        raise UserError(f"{len(prompts)} prompts and {len(rows)} rows of interventions do not belong together.")
    if empty := [number for number, ids in enumerate(prompts) if not ids]:
        raise UserError(f"Prompt {empty[0]} is empty; write at least one word to go on from.")
    longest = max(map(len, prompts)) + decoding.max_new_tokens
    if model.context_length is not None and longest > model.context_length:
        raise UserError(
            f"The prompt and {decoding.max_new_tokens} new tokens come to {longest} tokens, and {model.id} reads "
            f"{model.context_length}; shorten the prompt."
        )
    return batch(model, prompts, padding="left")


def _prepared(
    network: Any, input_ids: Tensor, logits_processor: Any, generation_config: Any, **state: Any
) -> tuple[Tensor, Any, dict[str, Any], frozenset[int]]:
    """What `generate` would hand to its own loop."""
    state.pop("stopping_criteria", None)
    ends = generation_config.eos_token_id
    known = ends if isinstance(ends, list | tuple) else [] if ends is None else [ends]
    for one in logits_processor:
        # How much padding each row of the whole batch has. Rows are shown alone, with no padding in them.
        if isinstance(getattr(one, "prompt_ignore_length", None), Tensor):
            one.prompt_ignore_length = None
    return input_ids, logits_processor, state, frozenset(int(one) for one in known)
