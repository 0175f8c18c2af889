"""Whether the arrays of an index are what they should be: one that was passed on may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from core.dictionaries.index.corpora import KINDS
from core.dictionaries.index.counts import QUANTILES, SHOWN
from core.dictionaries.index.settings import BANDS, LISTED, PER_BAND, Settings
from core.errors import UserError

Arrays = Mapping[str, NDArray]


def checked_places(folder: Path, arrays: Arrays, corpus: Mapping[str, Any]) -> None:
    """Raise UserError unless every text has a place in a set that is named."""
    sets = corpus.get("sets")
    named = isinstance(sets, list) and all(isinstance(one, str) for one in sets)
    if corpus.get("kind") not in KINDS or not named:
        raise _not_ours(folder, "does not say where its texts are from")
    _shapes(folder, arrays, {"places": ("i", (-1, 4)), "checks": ("u", (-1,))})
    places = arrays["places"]
    if len(arrays["checks"]) != len(places) or len(places) == 0:
        raise _not_ours(folder, "has places and check sums of different numbers of texts")
    _within(folder, "places", places[:, 0], 0, len(sets or ()))
    if (places < 0).any() or (places[:, 2] > places[:, 3]).any():
        raise _not_ours(folder, "names places that cannot be")


def checked_columns(folder: Path, arrays: Arrays, settings: Settings, texts: int) -> None:
    """Raise UserError unless all columns are there, of fitting shapes, and point to what exists."""
    m = len(arrays.get("count", ()))
    sides = len(arrays["histogram"]) if "histogram" in arrays and arrays["histogram"].ndim == 3 else 1
    e = settings.top * min(max(sides, 1), 2) + len(BANDS) * PER_BAND
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        "tokens": ("i", (1,)),
        "count": ("i", (m,)),
        "total": ("f", (m,)),
        "squares": ("f", (m,)),
        "max": ("f", (m,)),
        "min": ("f", (m,)),
        "quantiles": ("f", (m, len(QUANTILES))),
        "complete": ("b", (m,)),
        "histogram": ("u", (sides, m, SHOWN)),
        "histogram_first": ("i", (sides, m)),
        "token_id": ("i", (m, LISTED)),
        "token_share": ("f", (m, LISTED)),
        "token_times": ("i", (m, LISTED)),
        "token_missed": ("f", (m,)),
        **{f"example_{name}": (kind, (m, e)) for name, kind in _OF_TOKENS},
        "example_rank": ("f", (m, e)),
        "example_band": ("i", (e,)),
        **{f"sample_{name}": (kind, (m, settings.sample)) for name, kind in _OF_TOKENS},
        **{name: (kind, (-1,)) for name, kind in _SEEN},
        "window_check": ("u", (m,)),
    }
    _shapes(folder, arrays, wanted)
    for name in ("example_text", "sample_text", "seen_text"):
        _within(folder, name, arrays[name], 0 if name == "seen_text" else -1, texts)
    _within(folder, "example_band", arrays["example_band"], 0, len(BANDS) + 2)
    _within(folder, "seen_feature", arrays["seen_feature"], 0, m)
    same = len(arrays["seen_text"]) == len(arrays["seen_position"]) == len(arrays["seen_size"])
    codes = int(arrays["seen_size"].sum())
    if not same or codes != len(arrays["seen_feature"]) or codes != len(arrays["seen_value"]):
        raise _not_ours(folder, "holds sampled tokens that do not fit together")
    if "together_id" in arrays:
        _listed(folder, arrays, ("together_id", "together"), m)


def checked_weights(folder: Path, arrays: Arrays, m: int) -> None:
    """Raise UserError unless neighbours and tokens are there for every feature."""
    _listed(folder, arrays, ("near_id", "near"), m)
    for name in ("up", "down"):
        _shapes(folder, arrays, {f"{name}_id": ("i", (m, LISTED)), name: ("f", (m, LISTED))})


_OF_TOKENS = (("text", "i"), ("position", "i"), ("value", "f"))
_SEEN = (("seen_text", "i"), ("seen_position", "i"), ("seen_size", "i"), ("seen_feature", "i"), ("seen_value", "f"))


def _listed(folder: Path, arrays: Arrays, names: tuple[str, str], m: int) -> None:
    _shapes(folder, arrays, {names[0]: ("i", (m, LISTED)), names[1]: ("f", (m, LISTED))})
    _within(folder, names[0], arrays[names[0]], -1, m)


def _shapes(folder: Path, arrays: Arrays, wanted: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    for name, (kind, shape) in wanted.items():
        array = arrays.get(name)
        fits = (
            array is not None
            and array.dtype.kind == kind
            and array.ndim == len(shape)
            and all(want in (-1, size) for want, size in zip(shape, array.shape, strict=True))
        )
        if not fits:
            raise _not_ours(folder, f"has no {name!r} of the form that it should have")


def _within(folder: Path, name: str, numbers: NDArray, low: int, high: int) -> None:
    if numbers.size and (int(numbers.min()) < low or int(numbers.max()) >= high):
        raise _not_ours(folder, f"names {name!r} that do not exist")


def _not_ours(folder: Path, fault: str) -> UserError:
    return UserError(f"The index in {folder.name} {fault}; build it again.")
