"""Target words: next words whose probability under a push is watched, as a guard of what it does or breaks."""

from __future__ import annotations

from core.errors import UserError

MOST, LONGEST = 50, 40  # words, characters of each


def parse_targets(text: str) -> tuple[str, ...]:
    """The words of `good, great`, each once; none for a blank text. Raises UserError for too many or too long ones."""
    return check_targets(tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip())))


def check_targets(words: tuple[str, ...]) -> tuple[str, ...]:
    """`words`, if they can be target words of any model."""
    if len(words) > MOST:
        raise UserError(f"{len(words)} target words are more than {MOST}; watch fewer.")
    if bad := [word for word in words if not word.strip() or word != word.strip() or len(word) > LONGEST]:
        raise UserError(
            f"A target word is one word without spaces around it, of at most {LONGEST} characters, not "
            f"{bad[0][: LONGEST + 10]!r}."
        )
    return words
