"""What a dictionary's weights say of its features, without a corpus: tokens promoted, and nearest features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.dictionaries.dictionary import Dictionary
from core.dictionaries.index.settings import LISTED
from core.dictionaries.nearest import nearest
from core.dictionaries.writing import is_added
from core.errors import UserError
from core.models import Model, direction_logits
from core.progress import Listener, Progress, silent

LOGITS = 1 << 24  # that are held at once


@torch.no_grad()
def promotions(model: Model, dictionary: Dictionary, *, progress: Listener = silent) -> dict[str, NDArray]:
    """The tokens whose logits each feature raises and lowers most, W_dec W_U with the final norm's gain folded in.

    up_id, down_id: (m, 10) int32; up, down: (m, 10) float32, logits per dose as in `core.models.direction_logits`: for
    a push along what the feature writes, as long as a typical token. Strongest first; -1 and NaN for a feature that
    writes nothing. All are -1 where features write somewhere else than into the stream (inside attention or the MLP, or
    before a norm that stands behind them), and where the way from there to the logits is not norm and linear maps.
    """
    rows = dictionary.coder.written.float().cpu()
    m = len(rows)
    found: dict[str, NDArray] = {
        **{f"{name}_id": np.full((m, LISTED), -1, dtype=np.int32) for name in ("up", "down")},
        **{name: np.full((m, LISTED), np.nan, dtype=np.float32) for name in ("up", "down")},
    }
    if rows.shape[1] != model.width or not is_added(dictionary.card.writes_to, model):
        return found
    alive = (rows.norm(dim=1) > 0).nonzero()[:, 0]
    known = len(model.tokenizer)
    step = max(1, LOGITS // known)
    for at in range(0, len(alive), step):
        chosen = alive[at : at + step]
        try:
            logits = direction_logits(model, rows[chosen])[:, :known]
        except UserError:
            return found
        k = min(LISTED, logits.shape[1])
        for name, best in (("up", logits.topk(k)), ("down", logits.topk(k, largest=False))):
            found[f"{name}_id"][chosen, :k] = best.indices.int().numpy()
            found[name][chosen, :k] = best.values.numpy()
        progress(Progress(min(at + step, len(alive)), len(alive), "features", "reading tokens from weights"))
    return found


def neighbours(rows: Tensor, *, progress: Listener = silent) -> dict[str, NDArray]:
    """The features whose directions are nearest to each one's, by the cosine of what they write.

    rows: (m, d). near_id: (m, 10) int32, -1 where there is none; near: (m, 10) float32, cosines from -1 to 1, the
    nearest first; of equals the lower number.
    """
    ids = np.full((len(rows), LISTED), -1, dtype=np.int32)
    cosines = np.full((len(rows), LISTED), np.nan, dtype=np.float32)
    found, values = nearest(rows, LISTED, progress=progress)
    ids[:, : found.shape[1]], cosines[:, : found.shape[1]] = found, values
    return {"near_id": ids, "near": cosines}
