"""How tokens are chosen: settings, and what transformers makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import UserError
from core.models.model import Model

MOST = 1_000_000  # new tokens: no model reads further


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen. Greedy unless `temperature` is above 0.

    max_new_tokens: 1 or more, up to `MOST`. temperature: above 0 samples. top_p: 0-1, share of probability that is
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
        if self.max_new_tokens > MOST:
            raise UserError(f"More than {MOST:,} new tokens are absurd; ask for fewer.")
        if not 0 <= self.temperature <= 10:
            raise UserError(f"A temperature of {self.temperature} is not between 0 (greedy) and 10.")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p is a share of probability above 0 and up to 1, not {self.top_p}.")
        if not 0.1 <= self.repetition_penalty <= 10:
            raise UserError(f"A repetition penalty of {self.repetition_penalty} is not between 0.1 and 10 (1 is none).")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"A seed is a whole number from 0 to 2^63 - 1, not {self.seed}.")


def generation_config(model: Model, decoding: Decoding) -> Any:
    """The settings as transformers takes them; what they leave open it takes from the model's own."""
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
