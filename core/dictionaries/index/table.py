"""All features as one table, to be sorted and filtered by anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.index import Index
from core.dictionaries.index.labels import Label
from core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from core.models import Model

NAMED = 3  # tokens that stand in a cell
# What each column is, for people; their order is that of the table.
COLUMNS = {
    "feature": "Its number.",
    "label": "What it is called: by hand, as published, or by the words that tell its examples.",
    "label_by": "Who named it: hand, model (a language model that was asked), published or automatic.",
    "label_score": "How well the label tells held-out examples from other tokens: AUROC, 0.5 is chance, 1 is perfect. "
    "Of an automatic label by its words, of one by hand or by a model by likeness of meaning: the two do not compare.",
    "density": "Share of the tokens on which it is on, 0 to 1.",
    "count": "Tokens on which it is on.",
    "max": "Its largest code.",
    "mean": "Mean of its codes that are not 0.",
    "median": "Half of its codes that are not 0 lie below.",
    "top_token": "The token on which most of its activation falls.",
    "top_share": "Part of its activation that falls there, 0 to 1.",
    "top_tokens": "The three tokens on which most of its activation falls.",
    "promoted": "The three tokens whose logits it raises most.",
    "suppressed": "The three tokens whose logits it lowers most.",
    "promotes": "How far it raises the first of them: logits per dose.",
    "nearest": "The feature that writes the most similar direction.",
    "cosine": "Cosine with it, -1 to 1.",
    "dead": "Whether it is on at no token that was read.",
}


def table_of(index: Index, model: Model, labels: Mapping[int, Label] | None = None) -> pd.DataFrame:
    """A line per feature with the columns COLUMNS. labels: see `core.dictionaries.index.labels.labels_of`."""
    import pandas as pd

    columns, names, m = index.columns, _Names(model), index.n_features
    shown = [(labels or {}).get(feature) for feature in range(m)]
    count = columns["count"]
    top = columns["token_id"][:, :NAMED]
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, columns["total"] / np.maximum(count, 1), np.nan)
    values: dict[str, Any] = {
        "feature": np.arange(m),
        "label": [one.text if one else "" for one in shown],
        "label_by": [one.by if one else "" for one in shown],
        "label_score": np.array([np.nan if one is None or one.score is None else one.score for one in shown]),
        "density": index.density,
        "count": count,
        "max": columns["max"],
        "mean": mean,
        "median": columns["quantiles"][:, 3],
        "top_token": [names.of(id) for id in top[:, 0]],
        "top_share": columns["token_share"][:, 0],
        "top_tokens": names.lists(top),
        "promoted": names.lists(columns["up_id"][:, :NAMED]),
        "suppressed": names.lists(columns["down_id"][:, :NAMED]),
        "promotes": columns["up"][:, 0],
        "nearest": columns["near_id"][:, 0],
        "cosine": columns["near"][:, 0],
        "dead": count == 0,
    }
    return pd.DataFrame({name: values[name] for name in COLUMNS})


def sorted_table(
    table: pd.DataFrame, by: str, *, descending: bool | None = None, least: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Lines by a column: numbers downwards, words upwards, unless `descending` says otherwise; blanks last.

    least: by column, what a line must have at the least. Raises UserError for a column that there is not.
    """
    for name in (by, *(least or {})):
        if name not in table.columns:
            raise UserError(f"There is no column {name!r}; there are {', '.join(table.columns)}.")
    for name, value in (least or {}).items():
        table = table[table[name] >= value]
    words = table[by].dtype.kind not in "biuf"
    if words:  # those without a word go last
        table = table.assign(_blank=table[by] == "").sort_values(
            ["_blank", by], ascending=[True, not descending], kind="stable"
        )
        return table.drop(columns="_blank")
    down = by != "feature" if descending is None else descending
    return table.sort_values(by, ascending=not down, kind="stable", na_position="last")


class _Names:
    """Texts of tokens, each asked of the tokenizer once."""

    def __init__(self, model: Model) -> None:
        self._model, self._known, self._texts = model, len(model.tokenizer), {-1: ""}

    def of(self, id: int) -> str:
        id = int(id)
        if id not in self._texts:
            from core.models import token_texts

            self._texts[id] = token_texts(self._model, [id])[0] if 0 <= id < self._known else ""
        return self._texts[id]

    def lists(self, ids: NDArray) -> list[list[str]]:
        return [[self.of(id) for id in row if id >= 0] for row in ids]
