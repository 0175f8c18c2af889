"""What is asked of a model's answer: one number per input, which gradients are taken of and pushes should move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from core.errors import UserError
from core.models.class_names import find_class

if TYPE_CHECKING:
    from torch import Tensor

    from core.models import ImageModel, Model

# Texts behind which a word is tokenised to see which token it gives in the middle of a text.
CONTEXTS = ("It was", "and", "The film is")
CLASS = "class:"


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
    """The logit of one class of a classifier, before the softmax. name: as the user wrote it. index: its place.

    against: another class, whose logit is taken off: the difference is that of the log-probabilities too.
    """

    name: str
    index: int
    against: int | None = None

    def of(self, logits: Tensor) -> Tensor:
        """(batch,) from (batch, classes)."""
        found = _precise(logits[:, self.index])
        return found if self.against is None else found - _precise(logits[:, self.against])

    def to_json(self) -> dict[str, Any]:
        against = {} if self.against is None else {"against": self.against}
        return {"target": "class logit", "index": self.index, **against}


Target = NextWords | ClassLogit


def _precise(logits: Tensor) -> Tensor:
    """In float32 at the least: half precision has three digits."""
    return logits if logits.element_size() == 8 else logits.float()


def make_target(model: Model | ImageModel, spec: str) -> Target:
    """The target of a SPEC: `class:zebra` or `class:zebra|horse` of a classifier, else next words.

    Raises UserError for a SPEC that this model has no answer to.
    """
    if spec.strip().startswith(CLASS):
        return class_target(model, spec.strip())
    if model.class_names:
        raise UserError(f"{model.id} names classes: a target is one of them, such as class:{model.class_names[0]}.")
    return word_target(cast("Model", model), spec)  # a model of images names classes


def class_target(model: Model | ImageModel, spec: str) -> ClassLogit:
    """The target of `class:NAME`, the logit of that class, or `class:NAME|OTHER`, less that of another.

    Raises UserError for a class that is not there, and for a model without classes.
    """
    if not model.class_names:
        raise UserError(f"{model.id} predicts words and has no classes: a target is such as good,great|bad,terrible.")
    names = [name.strip().removeprefix(CLASS).strip() for name in spec.removeprefix(CLASS).split("|")]
    if len(names) > 2 or not all(names):
        raise UserError(f"A target is one class or one against another, such as class:zebra|horse, not {spec!r}.")
    numbers = [find_class(model.class_names, name) for name in names]
    if len(set(numbers)) < len(numbers):
        raise UserError(f"The target {spec!r} sets a class against itself; name two classes.")
    return ClassLogit(spec.strip(), *numbers)


def class_of(target: Target) -> ClassLogit:
    """`target`, if it asks for a class. Raises UserError otherwise."""
    if not isinstance(target, ClassLogit):
        raise UserError(f"A classifier has no next words ({target.name}): a target is a class, such as class:zebra.")
    return target


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
