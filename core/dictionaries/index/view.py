"""What a reader of an index needs, from what the pass has gathered so far."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import Best
from core.dictionaries.index.collector import places_within
from core.dictionaries.index.counts import QUANTILES, Counts
from core.dictionaries.index.gathering import Gathering
from core.dictionaries.index.settings import BANDS, LISTED, PER_BAND

TOP, LOW = 0, len(BANDS) + 1  # what `example_band` says of the strongest and of the most negative; between: of BANDS
SEEN, SEEN_CODES = 4096, 1_000_000  # tokens with all their codes that an index keeps, and codes of them at the most


def columns_of(gathering: Gathering) -> tuple[dict[str, NDArray], NDArray[np.float16]]:
    """Arrays by name, a line per feature; and the windows of all examples, (m, e, w) float16 in the index's unit.

    tokens: (1,) read. count: (m,) int64 tokens on which a feature is on. total, squares: (m,) float64. max, min: (m,)
    float32, largest and smallest code, 0 included. quantiles: (m, 7). complete: (m,) whether the sample holds every
    token on which the feature is on, so that quantiles are exact. histogram: (sides, m, 64) uint32; histogram_first:
    (sides, m) int16. token_id: (m, 10) int32; token_share: (m, 10) float32, part of the sum of |codes| that falls on
    the token, 0 to 1; token_times: (m, 10) int32; token_missed: (m,) float32, what a share may lack at the most.
    example_text, example_position: (m, e) int32; example_value: (m, e) float32; example_band: (e,) int8;
    example_rank: (m, e) float32, share of the non-zero codes below the example's; sample_text, sample_position,
    sample_value: (m, s). seen_text, seen_position: (t,) int32, tokens of which all codes are kept; seen_size: (t,)
    int64; seen_feature, seen_value: (c,). window_check: (m,) uint32, of each feature's windows.
    """
    counts, heavy, sample = gathering.counts, gathering.heavy.merged(), gathering.sample
    for best in (gathering.top, gathering.low, sample):
        if best is not None:
            best.merge()
    columns: dict[str, NDArray] = {name: getattr(counts, name) for name in ("tokens", "count", "total", "squares")}
    columns["max"] = np.maximum(gathering.top.score[:, 0], 0).astype(np.float32)
    low = gathering.low
    columns["min"] = (
        np.zeros_like(columns["max"]) if low is None else -np.maximum(low.score[:, 0], 0).astype(np.float32)
    )
    columns["quantiles"], columns["complete"] = quantiles_of(counts, sample)
    sides = [counts.histogram(side) for side in range(len(counts.fine))]
    columns["histogram"] = np.stack([shown for shown, _ in sides])
    columns["histogram_first"] = np.stack([first for _, first in sides])
    weight = np.where(heavy.id[:, :LISTED] >= 0, heavy.sums[:, :LISTED], 0)
    whole = np.maximum(counts.sizes, 1e-30)
    columns["token_id"] = heavy.id[:, :LISTED]
    columns["token_share"] = np.minimum(weight / whole[:, None], 1).astype(np.float32)
    columns["token_times"] = heavy.times[:, :LISTED]
    columns["token_missed"] = (heavy.missed / whole).astype(np.float32)
    kinds = [(gathering.top, np.full(gathering.top.text.shape, TOP))]
    if low is not None:
        kinds.append((low, np.full(low.text.shape, LOW)))
    picks = banded(counts, sample)
    middle = {name: _taken(getattr(sample, name), picks) for name in ("text", "position", "value", "window")}
    for name in ("text", "position", "value"):
        columns[f"example_{name}"] = np.concatenate([*(getattr(best, name) for best, _ in kinds), middle[name]], axis=1)
        columns[f"sample_{name}"] = getattr(sample, name)
    blank = {"text": -1, "position": -1, "value": 0}
    for name, nothing in blank.items():
        columns[f"example_{name}"][:, -picks.shape[1] :][picks < 0] = nothing
    windows = np.concatenate([*(best.window for best, _ in kinds), middle["window"]], axis=1)
    windows[:, -picks.shape[1] :][picks < 0] = np.nan
    bands = np.repeat(np.arange(1, len(BANDS) + 1), PER_BAND)
    columns["example_band"] = np.concatenate([*(band[0] for _, band in kinds), bands]).astype(np.int8)
    m, e = columns["example_text"].shape
    owners = np.repeat(np.arange(m), e)
    rank = counts.ranks(owners, columns["example_value"].ravel()).reshape(m, e)
    columns["example_rank"] = np.where(columns["example_text"] >= 0, rank, np.nan).astype(np.float32)
    columns |= _seen(gathering)
    columns["window_check"] = np.array([zlib.crc32(row.tobytes()) for row in windows], dtype=np.uint32)
    return columns, windows


def quantiles_of(counts: Counts, sample: Best) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Quantiles (m, 7), and for which features (m,) they are exact: those of which the sample holds every token."""
    found, size = counts.quantiles(), sample.text.shape[1]
    complete = counts.count <= size
    for n in range(1, size + 1):
        rows = np.flatnonzero(counts.count == n)
        if len(rows):
            own = np.where(sample.text[rows] >= 0, sample.value[rows], np.nan)
            found[rows] = np.nanquantile(own.astype(np.float64), QUANTILES, axis=1).T
    return found, complete


def banded(counts: Counts, sample: Best) -> NDArray[np.int64]:
    """Slots of the sample (m, bands * 3) that lie nearest to each of BANDS among all non-zero codes; -1 where none.

    A token belongs to the band whose share is nearest to its rank.
    """
    m, size = sample.text.shape
    filled = sample.text >= 0
    owners = np.repeat(np.arange(m), size)
    rank = counts.ranks(owners, sample.value.ravel()).reshape(m, size)
    away = np.abs(rank[:, :, None] - np.array(BANDS))
    band = away.argmin(axis=2)
    distance = np.take_along_axis(away, band[:, :, None], axis=2)[:, :, 0]
    band = np.where(filled, band, len(BANDS))
    place = (owners.reshape(m, size) * (len(BANDS) + 1) + band).ravel()
    order = np.lexsort((np.tile(np.arange(size), m), distance.ravel(), place))
    nth = places_within(place[order])
    slot, own, which = order % size, order // size, place[order] % (len(BANDS) + 1)
    kept = (nth < PER_BAND) & (which < len(BANDS))
    found = np.full((m, len(BANDS) * PER_BAND), -1, dtype=np.int64)
    found[own[kept], which[kept] * PER_BAND + nth[kept]] = slot[kept]
    return found


def _taken(array: NDArray, picks: NDArray[np.int64]) -> NDArray:
    at = np.maximum(picks, 0)
    return array[np.arange(len(array))[:, None], at]


def _seen(gathering: Gathering) -> dict[str, NDArray]:
    arrays = gathering.sampled.arrays()
    n = int(np.searchsorted(np.cumsum(arrays["size"]), SEEN_CODES, side="right"))
    n = min(max(n, 1), SEEN, len(arrays["size"]))
    codes = int(arrays["size"][:n].sum())
    return {
        "seen_text": arrays["text"][:n],
        "seen_position": arrays["position"][:n],
        "seen_size": arrays["size"][:n],
        "seen_feature": arrays["feature"][:codes],
        "seen_value": arrays["value"][:codes].astype(np.float32),
    }
