"""Token by token generation of a batch in which every row has interventions of its own.

transformers prepares everything (caches, masks, logits processors, stopping) exactly as for its own
`generate`; the loop is ours, so that the model's lock and the edits are held for one token step at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.editing import edit
from core.models.model import Model
from core.models.tokens import batch, counted_positions
from core.steering.acts import Acts
from core.steering.interventions import Intervention


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen. Greedy unless `temperature` is above 0.

    max_new_tokens: 1 or more. temperature: above 0 samples. top_p: 0-1, share of probability that is
    sampled from. repetition_penalty: 1 is none. seed: of row 0; see `stream`.
    """

    max_new_tokens: int = 40
    temperature: float = 0.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise UserError(f"{self.max_new_tokens} new tokens are none; ask for 1 or more.")
        if not 0 <= self.temperature <= 10:
            raise UserError(f"A temperature of {self.temperature} is not between 0 (greedy) and 10.")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p is a share of probability above 0 and up to 1, not {self.top_p}.")
        if not 0.1 <= self.repetition_penalty <= 10:
            raise UserError(f"A repetition penalty of {self.repetition_penalty} is not between 0.1 and 10 (1 is none).")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"A seed is a whole number from 0 to 2^63 - 1, not {self.seed}.")


@dataclass(frozen=True)
class Step:
    """One token for every row.

    tokens: id per row, None for a row that has ended. fired: for each row, boolean (its interventions, tokens of this
    pass): on which of the tokens just processed each of them acted. start: absolute position of the first of these
    tokens, counted with padding. logits: (batch, vocabulary) float32, what the model gave for these tokens before
    temperature and penalties; None unless it was asked for.
    """

    tokens: tuple[int | None, ...]
    fired: tuple[Tensor, ...]
    start: int
    logits: Tensor | None = None


def stream(
    model: Model,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Intervention]],
    decoding: Decoding,
    *,
    seeds: Sequence[int] | None = None,
    logits: bool = False,
) -> Iterator[Step]:
    """Generate for all rows at once, yielding after each token step.

    prompts: token ids per row. rows: interventions per row; an empty list leaves a row plain. seeds: of each
    row's own random numbers (default: `decoding.seed` for all), so that what a row samples does not depend on
    its neighbours, and a plain and a steered row with one seed draw the same numbers. logits: give them with each step.

    The model's lock is held only while a token is computed: between tokens other threads have their turn, and
    abandoning the iterator leaves nothing on the model. Ends when every row has ended or has its tokens.
    """
    inputs = _prepared(model, prompts, rows, decoding)
    random = [torch.Generator(model.device).manual_seed(seed) for seed in seeds or [decoding.seed] * len(rows)]
    acts = Acts(model, rows, counted_positions(model, inputs), inputs["attention_mask"].bool())
    with model.lock, torch.no_grad():
        # `generate` prepares and then calls the loop; as the loop is a generator, that only makes it.
        steps = model.network.generate(
            **inputs,
            generation_config=_config(model, decoding),
            custom_generate=_loop,
            acts=acts,
            owner=model,
            random=random,
            logits=logits,
        )
    yield from steps


def _prepared(
    model: Model, prompts: Sequence[Sequence[int]], rows: Sequence[Sequence[Intervention]], decoding: Decoding
) -> dict[str, Tensor]:
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


def _config(model: Model, decoding: Decoding) -> Any:
    from transformers import GenerationConfig

    own = model.network.generation_config
    ends = own.eos_token_id if own.eos_token_id is not None else model.tokenizer.eos_token_id
    sampled = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=decoding.temperature > 0,
        repetition_penalty=decoding.repetition_penalty,
        bos_token_id=own.bos_token_id,
        eos_token_id=ends,
        pad_token_id=model.pad_id,
        use_cache=True,
        **(sampled if decoding.temperature > 0 else {}),
    )


def _loop(
    network: Any,
    input_ids: Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,
    acts: Acts,
    owner: Model,
    random: Sequence[torch.Generator],
    logits: bool,
    **kwargs: Any,
) -> Iterator[Step]:
    running = torch.ones(len(input_ids), dtype=torch.bool, device=input_ids.device)
    step = 0
    while bool(running.any()):
        with edit(owner, acts.edits(step)), torch.no_grad():
            start = 0 if step == 0 else input_ids.shape[1] - 1
            inputs = network.prepare_inputs_for_generation(
                input_ids,
                next_sequence_length=None if step == 0 else 1,
                is_first_iteration=step == 0,
                **kwargs,
            )
            outputs = network(**inputs, return_dict=True)
            kwargs = network._update_model_kwargs_for_generation(outputs, kwargs)
            raw = outputs.logits[:, -1].float()
            if bool(raw.isnan().any()):
                raise UserError("The model's answer is not a number under this push; use a smaller dose.")
            scores = logits_processor(input_ids, raw)
            chosen = _choose(scores, generation_config.do_sample, random)
            chosen = torch.where(running, chosen, generation_config.pad_token_id)
            input_ids = torch.cat([input_ids, chosen[:, None]], dim=1)
            alive = running.tolist()
            running = running & ~stopping_criteria(input_ids, None)
            tokens = chosen.tolist()
        shown = tuple(token if on else None for token, on in zip(tokens, alive, strict=True))
        yield Step(shown, acts.fired, start, raw if logits else None)
        step += 1


def _choose(scores: Tensor, sample: bool, random: Sequence[torch.Generator]) -> Tensor:
    """Next token per row (batch,): the best, or one drawn with the row's own random numbers."""
    if not sample:
        return scores.argmax(dim=-1)
    probabilities = scores.softmax(dim=-1)
    return torch.cat([torch.multinomial(row, 1, generator=own) for row, own in zip(probabilities, random, strict=True)])
