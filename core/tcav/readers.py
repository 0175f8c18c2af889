"""Which reader a model calls for, and at which sites it is read.

A stored result is found by what names it, which takes neither the model nor torch; nothing here imports it before a
model was opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from core.errors import UserError
from core.models import KnownModel, NotOpened, Site, opened
from core.tcav.reader import Reader, Reading
from core.tcav.text_reader import TextReader

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel, Model


def reads_images(model: AnyModel | ImageModel) -> bool:
    """Whether it is a model of images; one that is only known reads texts."""
    if isinstance(model, KnownModel):
        return False
    from core.models import ImageModel

    return isinstance(model, ImageModel)


def reader_of(model: AnyModel | ImageModel, reading: Reading | None = None) -> Reader:
    """The reader of texts or of images that `model` calls for; of one that is only known it tells keys and no more.

    Raises UserError where images are to be read in a way that there is none of.
    """
    reading = reading or Reading()
    if reads_images(model):
        from core.tcav.image_reader import ImageReader

        if reading.pool != "mean":
            raise UserError(f"Images are read as the mean over all positions; {reading.pool!r} is for texts.")
        return ImageReader(cast("ImageModel", model))
    return TextReader(cast("Model", model), reading)  # of a model that is only known nothing but keys is asked


def sites_of(model: AnyModel | ImageModel, layers: Sequence[int | str]) -> list[Site]:
    """The residual stream, or the feature map, after each layer, each once; of images a module path will do too."""
    if not layers:
        raise UserError(f"No layers to test: name some of 0 to {model.n_layers - 1}, or all.")
    return list(dict.fromkeys(model.site(layer) for layer in layers))  # type: ignore[arg-type]  # paths: images only


def require_open(model: AnyModel | ImageModel, *, compute: bool) -> None:
    """Raise NotOpened where nothing shall be computed, or the model is only known: it was not computed before."""
    if not compute:
        raise NotOpened("This was not computed before.")
    if not reads_images(model):
        opened(cast("AnyModel", model))
