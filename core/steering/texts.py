"""Steered texts from a direction and a list of doses: what the command line and the page ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.activations import TypicalNorm, typical_norm
from core.directions import Direction, site_of
from core.errors import UserError
from core.models.model import Model
from core.models.tokens import tokenize
from core.progress import Listener, silent
from core.steering.decoding import Decoding
from core.steering.generate import stream
from core.steering.interventions import Intervention, check_dose
from core.steering.positions import DEFAULT_POSITIONS, Positions

PROMPT_CHARACTERS = 200_000  # a bound on pasted prompts; the model's own context is usually shorter


@dataclass(frozen=True)
class SteeredText:
    """What a model wrote under one dose.

    dose: in units of the site's typical norm. coefficient: the same in the activations' own units.
    text: continuation of the prompt. tokens: ids behind it, the end token included. ended: by itself.
    """

    dose: float
    coefficient: float
    text: str
    tokens: tuple[int, ...]
    ended: bool


def steer_stream(
    model: Model,
    direction: Direction,
    prompt: str,
    doses: Sequence[float],
    *,
    decoding: Decoding | None = None,
    positions: Positions | None = None,
    chat: bool = False,
    progress: Listener = silent,
) -> Iterator[list[SteeredText]]:
    """The texts of all doses so far, after every token. All doses are rows of one batch.

    chat: wrap the prompt in the model's chat template, as a user's turn. progress hears of the reference being
    read where the typical norm of the site is not known yet.
    """
    decoding = decoding or Decoding()
    site = site_of(model, direction)
    if not doses:
        raise UserError("Give at least one dose, such as 0.5.")
    for dose in doses:
        check_dose(dose)
    ids = prompt_ids(model, prompt, chat=chat)
    norm: TypicalNorm = typical_norm(model, site, progress=progress)
    coefficients = [dose * norm.median for dose in doses]
    rows = [
        [Intervention(site, direction.vector, coefficient, positions or DEFAULT_POSITIONS)]
        for coefficient in coefficients
    ]
    written: list[list[int]] = [[] for _ in doses]
    ended = [False] * len(doses)
    for step in stream(model, [ids] * len(doses), rows, decoding):
        for number, token in enumerate(step.tokens):
            if token is None:
                ended[number] = True
            else:
                written[number].append(token)
        yield [
            SteeredText(dose, coefficient, text_of(model, tokens), tuple(tokens), over)
            for dose, coefficient, tokens, over in zip(doses, coefficients, written, ended, strict=True)
        ]


def steer(
    model: Model,
    direction: Direction,
    prompt: str,
    doses: Sequence[float],
    *,
    decoding: Decoding | None = None,
    positions: Positions | None = None,
    chat: bool = False,
    progress: Listener = silent,
) -> list[SteeredText]:
    """One finished text per dose, in their order."""
    texts: list[SteeredText] = []
    for texts in steer_stream(  # noqa: B007 (the last of them is the result)
        model, direction, prompt, doses, decoding=decoding, positions=positions, chat=chat, progress=progress
    ):
        pass
    return texts


def prompt_ids(model: Model, prompt: str, *, chat: bool = False) -> list[int]:
    """Token ids of a prompt. Raises UserError if it is empty, or if there is no chat template to put it in."""
    if not prompt.strip():
        raise UserError("The prompt is empty; write at least one word to go on from.")
    if len(prompt) > PROMPT_CHARACTERS:
        raise UserError(f"The prompt has {len(prompt):,} characters; use at most {PROMPT_CHARACTERS:,}.")
    if not chat:
        return tokenize(model, [prompt], None)[0]
    if not getattr(model.tokenizer, "chat_template", None):
        raise UserError(f"{model.id} has no chat template; use the prompt as plain text.")
    turn = [{"role": "user", "content": prompt}]
    with model.tokenizer_lock:
        return list(model.tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_dict=False))


def text_of(model: Model, tokens: Sequence[int]) -> str:
    """The text of generated tokens, without special ones and without a character that is not complete yet."""
    return str(model.tokenizer.decode(list(tokens), skip_special_tokens=True)).rstrip("\ufffd")
