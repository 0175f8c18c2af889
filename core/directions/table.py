"""The family of finders: a new one is a file of its own and a line here."""

from __future__ import annotations

from core.directions.diffmean import DiffMean
from core.directions.finder import Finder
from core.directions.lda import LDA
from core.directions.logistic import Logistic
from core.directions.pca import PairedPCA
from core.directions.ridge import Ridge
from core.errors import UserError

FINDERS: dict[str, Finder] = {
    finder.name: finder
    for finder in (
        DiffMean(),
        Logistic(),
        Ridge(),
        LDA(),
        PairedPCA(),
    )
}


def finder_named(name: str) -> Finder:
    """The finder called `name`, with its default parameters. Raises UserError if there is none."""
    if name not in FINDERS:
        raise UserError(f"There is no method {name!r}; there are {', '.join(FINDERS)}.")
    return FINDERS[name]
