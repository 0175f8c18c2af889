"""What a direction, such as a probe's, has to do with every feature: two more columns of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from core.dictionaries.dictionary import Dictionary
    from core.directions import Direction

# What each column is, for people.
PROBED = {
    "probe_weight": "Cosine, -1 to 1, of what it writes with the direction that was chosen. A probe along that "
    "direction reads a rebuilt activation as the sum of codes times this, times the length of what each writes (and "
    "the token's own scale, where the dictionary divides by that first).",
    "probe_reads": "How far a step of length 1 along the direction raises what the feature reads, before its "
    "threshold: its encoder's column times the direction, in units of its code. Blank where the dictionary divides "
    "each token by its own scale.",
}


def fits(dictionary: Dictionary, direction: Direction) -> bool:
    """Whether a direction is of the model of `dictionary` (bound), and at a place that it reads, rebuilds or writes."""
    card = dictionary.card
    places = {str(site) for site in (card.reads, card.rebuilds, card.writes_to) if site is not None}
    return direction.model_fingerprint == card.model_fingerprint and direction.site in places


def probed(dictionary: Dictionary, direction: Direction) -> dict[str, NDArray[np.float32]]:
    """(m,) arrays by the names of PROBED; NaN where the direction is at another place than what is asked about.

    probe_weight: cosine of what each feature writes there with the direction, NaN for one that writes nothing.
    probe_reads: W_enc^T v, v of length 1, in units of the code (see `Coder.reading`); NaN for a dictionary that divides
    each token by its own scale. Raises UserError for a direction of another model, width or place.
    """
    card, coder = dictionary.card, dictionary.coder
    if not fits(dictionary, direction):
        raise UserError(
            f"The direction {direction.name!r} is of {direction.model_id} at {direction.site}, and the dictionary "
            f"{dictionary.name!r} of {card.model_id or 'no model'} at {card.rebuilds}: choose one at that place."
        )
    vector = direction.vector.astype(np.float64)
    found = {name: np.full(coder.n_features, np.nan, dtype=np.float32) for name in PROBED}
    if direction.site == str(card.writes_to):
        found["probe_weight"] = _cosines(coder.written, vector, direction.name)
    elif direction.site == str(card.rebuilds):
        found["probe_weight"] = _cosines(coder.W_dec, vector, direction.name)
    reads = coder.reading
    if reads is not None and direction.site == str(card.reads):
        _check(reads.shape[0], vector, direction.name)
        found["probe_reads"] = (vector.astype(np.float32) @ reads.detach().float().cpu().numpy()).astype(np.float32)
    return found


def with_probe(table: pd.DataFrame, columns: dict[str, NDArray[np.float32]]) -> pd.DataFrame:
    """The table of all features with the columns of `probed` after that of the largest code."""
    made, place = table.copy(deep=False), table.columns.tolist().index("max") + 1
    for step, (name, values) in enumerate(columns.items()):
        made.insert(place + step, name, values)
    return made


def _cosines(rows: Tensor, vector: NDArray[np.float64], name: str) -> NDArray[np.float32]:
    _check(rows.shape[1], vector, name)
    own = rows.detach().float().cpu()
    lengths = own.norm(dim=1).numpy()
    along = own.numpy() @ (vector / np.linalg.norm(vector)).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, along / lengths, np.nan).astype(np.float32)


def _check(width: int, vector: NDArray[np.float64], name: str) -> None:
    if len(vector) != width:
        raise UserError(f"The direction {name!r} has {len(vector)} values; features here have {width}.")
