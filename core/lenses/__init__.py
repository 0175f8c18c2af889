"""Lenses: what a model would say after each of its layers."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.lenses.lens import TunedLens, check_lens
    from core.lenses.library import find_lens, load_lens, save_lens
    from core.lenses.reading import LensReading, read_lens, single_token
    from core.lenses.settings import LensSettings
    from core.lenses.training import train_lens

__all__ = [
    "LensReading",
    "LensSettings",
    "TunedLens",
    "check_lens",
    "find_lens",
    "load_lens",
    "read_lens",
    "save_lens",
    "single_token",
    "train_lens",
]

__getattr__ = attach(
    __name__,
    {
        "LensReading": "reading",
        "LensSettings": "settings",
        "TunedLens": "lens",
        "check_lens": "lens",
        "find_lens": "library",
        "load_lens": "library",
        "read_lens": "reading",
        "save_lens": "library",
        "single_token": "reading",
        "train_lens": "training",
    },
)
