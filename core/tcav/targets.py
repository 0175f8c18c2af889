"""What is asked of a model's answer: one number per input, which gradients are taken of and pushes should move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.model import Model

# Texts behind which a word is tokenised to see which token it gives in the middle of a text.
CONTEXTS = ("It was", "and", "The film is")


@dataclass(frozen=True)
class NextWords:
    """How much likelier the next word is one of a first set than one of a second.

    logsumexp log p(more) - logsumexp log p(less), in nats: 0 where both sets together are equally likely. more, less:
    token ids. name: as the user wrote it, `good,great|bad,terrible`.
    """

    name: str
    more: tuple[int, ...]
    less: tuple[int, ...]

    def of(self, logits: Tensor) -> Tensor:
        """(batch,) from the logits (batch, vocabulary) of the token that comes next.

        The softmax's normaliser is the same for both sets and cancels, so that logits do.
        """
        more, less = (_precise(logits[:, list(ids)]).logsumexp(dim=1) for ids in (self.more, self.less))
        return more - less

    def to_json(self) -> dict[str, Any]:
        """All that decides the numbers."""
        return {"target": "next words", "more": sorted(self.more), "less": sorted(self.less)}


@dataclass(frozen=True)
class ClassLogit:
    """The logit of one class of a classifier, before the softmax. name: of the class. index: its place."""

    name: str
    index: int

    def of(self, logits: Tensor) -> Tensor:
        """(batch,) from (batch, classes)."""
        return _precise(logits[:, self.index])

    def to_json(self) -> dict[str, Any]:
        return {"target": "class logit", "index": self.index}


Target = NextWords | ClassLogit


def _precise(logits: Tensor) -> Tensor:
    """In float32 at the least: half precision has three digits."""
    return logits if logits.dtype == torch.float64 else logits.float()


def word_target(model: Model, spec: str) -> NextWords:
    """The target of a SPEC such as `good,great|bad,terrible`: words that come next, against other words.

    Each word is taken with the leading space that the tokenizer gives it after text. Raises UserError for a SPEC of
    another shape, a word of several tokens (by name), and words that give the same token.
    """
    sides = [[word.strip() for word in side.split(",") if word.strip()] for side in spec.split("|")]
    if len(sides) != 2 or not all(sides):
        raise UserError(f"A target is two sets of next words such as good,great|bad,terrible, not {spec!r}.")
    more, less = (dict.fromkeys(word_token(model, word) for word in side) for side in sides)
    for word in sides[1]:
        if (token := word_token(model, word)) in more:
            other = next(one for one in sides[0] if word_token(model, one) == token)
            same = f"{word!r}" if word == other else f"{other!r} and {word!r}, which are one token to {model.id},"
            raise UserError(f"The target names {same} on both sides; a word can stand on one side only.")
    return NextWords(spec, tuple(more), tuple(less))


def word_token(model: Model, word: str) -> int:
    """The one token that `word` is behind other text. Raises UserError, naming the word, if it is several."""
    found: list[list[int]] = []
    with model.tokenizer_lock:
        for context in CONTEXTS:
            alone, followed = (
                model.tokenizer([text], add_special_tokens=False)["input_ids"][0]
                for text in (context, f"{context} {word}")
            )
            if followed[: len(alone)] == alone:
                found.append(list(followed[len(alone) :]))
    for tokens in found:
        if len(tokens) != 1:
            pieces = ", ".join(repr(model.tokenizer.decode([token])) for token in tokens) or "nothing"
            raise UserError(
                f"The word {word!r} is {len(tokens)} tokens to {model.id} ({pieces}), and a target needs single tokens;"
                " use another word."
            )
    if len({tokens[0] for tokens in found}) != 1:
        raise UserError(f"The word {word!r} is not one and the same token after other text; use another word.")
    token = found[0][0]
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if token == unknown or token in model.special_ids:
        raise UserError(f"The word {word!r} is not in the vocabulary of {model.id}; use another word.")
    return token


def last_positions(model: Model, inputs: dict[str, Tensor]) -> Tensor:
    """The position (batch,) at which the next word is predicted: the last token that is neither padding nor special.

    Some tokenizers end every text with a special token, and what comes after that is another text.
    """
    real = inputs["attention_mask"].bool()
    special = torch.tensor(sorted(model.special_ids), device=real.device, dtype=inputs["input_ids"].dtype)
    plain = real & ~torch.isin(inputs["input_ids"], special)
    # A text of nothing but special tokens is read at its end, whatever that means.
    chosen = torch.where(plain.any(dim=1, keepdim=True), plain, real)
    places = torch.arange(real.shape[1], device=real.device).expand_as(real)
    return places.masked_fill(~chosen, -1).amax(dim=1)


def cut_at_mark(text: str, mark: str | None) -> str:
    """`text` up to `mark`, where the target is to be read; all of it if the mark is not in it, or there is none.

    What a causal model predicts behind a token does not depend on what comes after it, and no gradient of it does, so
    that reading at a marked place and reading at the end of the text cut there are one and the same.
    """
    if not mark or mark not in text:
        return text
    before = text[: text.index(mark)].rstrip()
    if not before:
        raise UserError(f"The mark {mark!r} stands at the beginning of {text[:40]!r}; write something before it.")
    return before
