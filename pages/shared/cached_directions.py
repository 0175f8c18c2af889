"""Caches of the library of directions: the words that directions speak for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.directions import Direction
    from core.models import Promoted

WORDS = 8  # of either kind


@st.cache_resource(max_entries=64, show_spinner=False)
def _promoted(
    spec: str, fingerprint: str, digests: tuple[str, ...], _directions: Sequence[Direction]
) -> list[Promoted]:
    import numpy as np

    from core.models import promoted

    return promoted(cached.model(spec), np.stack([one.vector for one in _directions]), WORDS)


def promoted_words(spec: str, directions: Sequence[Direction]) -> list[Promoted]:
    """The words that each direction promotes and suppresses, all of one model, which is opened if need be.

    Raises UserError if the directions are of another model, or its head cannot be read so.
    """
    from core.directions import site_of

    model = cached.model(spec)
    for one in directions:
        site_of(model, one)
    return _promoted(spec, model.fingerprint, tuple(one.digest for one in directions), directions)
