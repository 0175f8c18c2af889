"""Images with what their regions contribute laid over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from core.charts.colours import BLUE, VERMILLION
from core.tcav.telling import signed
from pages.shared.tokens import strongest

if TYPE_CHECKING:
    from core.tcav.maps import ConceptMap

COVER = 0.72  # how far the strongest colour hides the image


def show(ends: list[list[ConceptMap]], names: list[list[str]], titles: list[str]) -> None:
    """Two columns of images, those that support and those that oppose, all on one scale of colours."""
    most = strongest([abs(value) for end in ends for one in end for value in one.values.ravel().tolist()])
    bare = st.toggle("Images without colours", key="tcav_bare")
    for column, title, end, called in zip(st.columns(2, gap="large"), titles, ends, names, strict=True):
        with column:
            st.markdown(f"**{title}**")
            cells = st.columns(2)
            for place, (one, name) in enumerate(zip(end, called, strict=True)):
                picture = one.seen if bare else overlaid(one.seen, one.values, most)
                cells[place % 2].image(picture, width="stretch", alt=f"{name}, coloured by contribution")
                of_it = f", {signed(one.unplaced, 3)} of it at no place" if one.unplaced else ""
                cells[place % 2].caption(
                    f"derivative {signed(one.derivative, 3)}{of_it} · logit now {signed(one.value)}"
                )
    whole = "over all regions together they are the image's derivative"
    if any(one.unplaced for end in ends for one in end):
        whole = (
            "over all regions, and with the tokens that stand for no place in the image (such as the class token), "
            "they are its derivative"
        )
    st.caption(
        "As the model is shown them. Vermilion: where the answer grows when the concept is added at this region alone; "
        f"blue: where it falls; {whole}. A region is one position of the layer's map, which sees more of the image "
        "than its own place. It says what a push there would do, not that the concept is seen there."
    )


def overlaid(seen: np.ndarray, values: np.ndarray, most: float) -> np.ndarray:
    """The image (height, width, 3) with a map (rows, columns) over it: uint8. most: value of the strongest colour."""
    height, width = seen.shape[:2]
    share = np.clip(values / most, -1, 1).astype(np.float32)
    smooth = np.asarray(Image.fromarray(share).resize((width, height), Image.Resampling.BILINEAR))
    grey = seen.mean(axis=2, keepdims=True) * np.ones(3)  # so that every colour is the map's
    colours = np.where(smooth[..., None] > 0, _rgb(VERMILLION), _rgb(BLUE))
    cover = COVER * np.abs(smooth)[..., None]
    return np.asarray((1 - cover) * grey + cover * colours).round().clip(0, 255).astype(np.uint8)


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)
