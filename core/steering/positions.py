"""On which tokens an intervention fires."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.errors import UserError


@dataclass(frozen=True)
class Positions:
    """On which tokens an intervention fires.

    prompt: tokens of the prompt. first: the first generated token. later: those after it. Each is the token
    whose activation is changed, which acts on the prediction of the token after it and of all further ones.
    special: also the first position and special tokens of the prompt, which hold no meaning of the text.
    within: of the prompt only the tokens in one of these ranges, from the first number up to, not including, the
    second; counted from 0 in the row's own tokens, whatever padding the batch needs. None: the whole prompt.
    """

    prompt: bool = True
    first: bool = True
    later: bool = True
    special: bool = False
    within: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        for start, stop in self.within or ():
            if not 0 <= start < stop:
                raise UserError(f"A range of tokens runs from 0 or more up to a larger number, not {start} to {stop}.")


ALL = Positions()

# Where a push acts unless the user says otherwise. Pushing the prompt alone moves what is written nearly as far as
# pushing every token, and leaves the text as fluent as it was: see docs/steering.md.
DEFAULT_POSITIONS = Positions(prompt=True, first=False, later=False)


def positions_named(names: Collection[str]) -> Positions:
    """Positions of which exactly the switches in `names` are on; "all" stands for prompt, first and later."""
    if list(names) == ["all"]:
        return ALL
    known = ("prompt", "first", "later", "special")
    if not names or (strange := [name for name in names if name not in known]):
        raise UserError(f"Positions are all, or some of {', '.join(known)}, not {(strange if names else [''])[0]!r}.")
    return Positions("prompt" in names, "first" in names, "later" in names, "special" in names)
