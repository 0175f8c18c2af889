"""Conversations as prompts: which tokens of a chat belong to which turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import UserError
from core.models.model import Model

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = get_args(Role)
OTHER = "☃☃"  # words that no turn begins or ends with


@dataclass(frozen=True)
class Turn:
    """What one side said. role: system, user or assistant."""

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise UserError(f"There is no role {self.role!r} in a chat; there are {', '.join(ROLES)}.")
        if not self.content.strip():
            raise UserError(f"A turn of the {self.role} is empty; write something or take it out.")


def chat_ids(model: Model, turns: Sequence[Turn]) -> list[int]:
    """Token ids of a conversation in the model's own template, up to where the assistant's next turn begins."""
    if not turns:
        raise UserError("The conversation is empty; write at least one turn.")
    return _templated(model, turns, generation=True)


def spans(model: Model, turns: Sequence[Turn], role: Role) -> tuple[tuple[int, int], ...]:
    """Where what `role` said stands among the tokens of `chat_ids`: first token, and the one after the last.

    What the template writes around it (marks, the name of the role) belongs to nobody. It is found by putting other
    words in the place of a turn's own: what stays the same before and after them is the template's. Raises UserError
    if the template does not write a conversation turn by turn, each after the last.
    """
    whole = chat_ids(model, turns)
    found = []
    for number, turn in enumerate(turns):
        if turn.role != role:
            continue
        upto = _templated(model, turns[: number + 1], generation=False)
        other = _templated(model, [*turns[:number], Turn(role, OTHER)], generation=False)
        start = _alike(upto, other)
        stop = len(upto) - _alike(upto[start:][::-1], other[start:][::-1])
        if whole[:stop] != upto[:stop] or not start < stop:
            raise UserError(
                f"The chat template of {model.id} does not write turns one after another, so that the turns of the "
                f"{role} cannot be told apart; give token ranges instead."
            )
        found.append((start, stop))
    return tuple(found)


def _alike(one: Sequence[int], two: Sequence[int]) -> int:
    """How many tokens the two begin with in common."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(two)))


def _templated(model: Model, turns: Sequence[Turn], *, generation: bool) -> list[int]:
    if not getattr(model.tokenizer, "chat_template", None):
        raise UserError(f"{model.id} has no chat template; use the prompt as plain text.")
    said: list[dict[str, Any]] = [{"role": turn.role, "content": turn.content} for turn in turns]
    with model.tokenizer_lock:
        try:
            found = model.tokenizer.apply_chat_template(said, add_generation_prompt=generation, return_dict=False)
        except Exception as error:  # noqa: BLE001 (a template is a program of others, and refuses in its own words)
            raise UserError(f"The chat template of {model.id} refuses this conversation: {str(error)[:200]}") from None
    return list(found)
