"""Figures of dictionaries, with what each says."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core import jobs

# By their names in the results of `sae eval`: what people call them, and what they say.
FIGURES = {
    "explained_variance": (
        "explained variance",
        "1 - squared errors / squared distances from the mean. 1: rebuilt exactly; 0: no better than the mean.",
    ),
    "components_explained": (
        "as many components explain",
        "Control: what as many principal components as there are codes on, fitted on these very tokens, explain.",
    ),
    "ce_recovered": (
        "cross-entropy recovered, zeros",
        "(zeros - ours) / (zeros - clean) of the model's cross-entropies. 1: nothing is lost; 0: no better than zeros.",
    ),
    "ce_recovered_mean": (
        "cross-entropy recovered, mean",
        "The same with the mean activation in the place of zeros: the harder comparison.",
    ),
    "kl_recovered": (
        "KL recovered, zeros",
        "1 - KL(clean, ours) / KL(clean, zeros): how near the model's predictions stay.",
    ),
    "kl_recovered_mean": (
        "KL recovered, mean",
        "The same with the mean activation in the place of zeros.",
    ),
    "l0": ("codes on per token (L0)", "Mean number of features that are on at a token. Fewer are easier to read."),
    "dead": ("dead", "Share of features that are on at none of these tokens, 0 to 1; it falls with more tokens."),
    "dense": ("dense", "Share of features that are on at more than a tenth of the tokens. Such seldom mean one thing."),
    "encoder_decoder_cosine": (
        "encoder-decoder cosine",
        "Mean cosine of what features read and what they write, -1 to 1.",
    ),
    "norm_ratio": (
        "norm of codes / of reconstruction",
        "Median over tokens. 1: at right angles; below it features on together say much alike, above it they cancel.",
    ),
    "norm_error": ("norm error", "Mean gap between the norm of the codes and that of the reconstruction (AFA)."),
}


def changed(name: str) -> float:
    """When the files of a dictionary at hand were written (seconds): what is older is of another one of its name."""
    from core.dictionaries.formats import CONFIG, WEIGHTS
    from core.dictionaries.library import folders_at_hand

    folder = folders_at_hand().get(name)
    try:
        return 0.0 if folder is None else max((folder / file).stat().st_mtime for file in (CONFIG, WEIGHTS))
    except OSError:
        return 0.0


def measured(name: str, since: float = 0.0) -> dict[str, Any] | None:
    """The result of the last job that measured a dictionary, if it was started after `since` (seconds) and its figures
    mean what they mean today."""
    from core.dictionaries.metrics.evaluate import FORMAT

    for job in jobs.jobs():
        ours = job.arguments[:3] == ("sae", "eval", name) and job.state == "done" and job.started > since
        if ours and job.result and job.result["details"].get("format") == FORMAT:
            return job.result
    return None


def figures_table(found: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Figures of one dictionary or several, side by side. found: by name, results of `sae eval`."""
    rows = []
    for key, (title, meaning) in FIGURES.items():
        row: dict[str, Any] = {"figure": title}
        for name, result in found.items():
            details = result["details"]
            row[name] = result.get(key, details.get(key))
            if len(found) == 1:
                low, high = details.get("intervals", {}).get(key) or (None, None)
                row |= {"from": low, "to": high, "published": details.get("published", {}).get(key)}
        rows.append({**row, "what it says": meaning})
    return pd.DataFrame(rows)
