"""Words that a user types as the tokens that a model reads and writes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import UserError
from core.models.pieces import token_texts

if TYPE_CHECKING:
    from core.models.model import Model

# Texts behind which a word is cut into tokens, to see which token it is in the middle of a text.
BEFORE = ("It was", "and", "The film is")


def two_lists(text: str) -> tuple[list[str], list[str]]:
    """The words of `good,great|bad,terrible`: before the bar and after it. UserError for any other shape."""
    sides = [list(dict.fromkeys(word.strip() for word in side.split(",") if word.strip())) for side in text.split("|")]
    if len(sides) != 2 or not all(sides):
        raise UserError(f"Two lists of words are written like good,great|bad,terrible, not {text[:80]!r}.")
    if twice := [word for word in sides[0] if word in sides[1]]:
        raise UserError(f"The word {twice[0]!r} stands on both sides; a word can stand on one side only.")
    return sides[0], sides[1]


def word_tokens(model: Model, words: list[str]) -> list[int]:
    """The token of each word, different ones. Raises UserError for two words that are one token, naming both."""
    found: dict[int, str] = {}
    for word in words:
        token = word_token(model, word)
        if token in found:
            raise UserError(f"{found[token]!r} and {word!r} are one and the same token to {model.id}; leave one out.")
        found[token] = word
    return list(found)


def word_token(model: Model, word: str) -> int:
    """The one token that `word` is behind other text, with the space that the tokenizer gives it there.

    Raises UserError, naming the word, where it is several tokens, not always the same one, or unknown.
    """
    word = word.strip()
    found: list[list[int]] = []
    with model.tokenizer_lock:
        for before in BEFORE:
            alone, followed = (
                list(model.tokenizer([text], add_special_tokens=False)["input_ids"][0])
                for text in (before, f"{before} {word}")
            )
            if followed[: len(alone)] == alone:  # else the tokenizer joined the word with what stands before it
                found.append(followed[len(alone) :])
    if several := next((tokens for tokens in found if len(tokens) != 1), None):
        pieces = ", ".join(repr(text) for text in token_texts(model, several))
        raise UserError(
            f"The word {word!r} is {len(several)} tokens to {model.id} ({pieces}), and single tokens are needed; use "
            "another word."
        )
    same = {tokens[0] for tokens in found if tokens}
    if len(same) != 1:
        raise UserError(f"The word {word!r} is not one and the same token after other text; use another word.")
    (token,) = same
    if token == getattr(model.tokenizer, "unk_token_id", None) or token in model.special_ids:
        raise UserError(f"The word {word!r} is not in the vocabulary of {model.id}; use another word.")
    return token
