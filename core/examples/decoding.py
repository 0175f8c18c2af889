"""Bytes of somebody's image file to pixels, with care: the file may be damaged, huge, or made to do harm."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageColor
import PIL.ImageOps

from core import workspace
from core.errors import UserError
from core.examples.images import Pixels

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 40_000_000  # of one file
MAX_PIXELS = 50_000_000  # of one image, told from its header before anything is unpacked
BACKGROUND = "white"  # what shows through where an image is transparent


@dataclass(frozen=True)
class ImageFile:
    """An image in a file, or in bytes that were uploaded.

    name: for people. sha256: of the file's bytes; a file that holds others by the time it is loaded is refused, since
    what is stored under the old digest would be wrong. background: colour behind transparent parts. path, data: one
    of the two.
    """

    name: str
    sha256: str
    background: str = BACKGROUND
    path: Path | None = None
    data: bytes | None = None

    @cached_property
    def digest(self) -> str:
        return workspace.digest(["file", self.sha256, rgb(self.background), PIL.__version__])

    @property
    def content(self) -> str:
        return self.sha256

    def load(self) -> Pixels:
        return decode(self.name, self.bytes(), self.background)

    def bytes(self) -> bytes:
        """The file's bytes. Raises UserError if they are gone or not those that were there before."""
        data = self.data if self.data is not None else read_file(self.path, self.name)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise UserError(f"{self.name} has changed since its folder was opened; open it again.")
        return data


def image_file(name: str, *, path: Path | None = None, data: bytes | None = None, background: str = "") -> ImageFile:
    """An image file as it is now. Raises UserError if it cannot be read, is too large, or holds no image.

    Only its header is looked at: pixels are unpacked when they are needed.
    """
    content = data if data is not None else read_file(path, name)
    _open(name, content)
    sha256 = hashlib.sha256(content).hexdigest()
    colour = background or BACKGROUND
    rgb(colour)
    return ImageFile(name, sha256, colour, path, None if path is not None else content)


def read_file(path: Path | None, name: str) -> bytes:
    assert path is not None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{name} is larger than {MAX_BYTES / 1e6:.0f} MB; make it smaller.")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{name} cannot be read ({error.strerror or error}).") from error


def decode(name: str, data: bytes, background: str = BACKGROUND) -> Pixels:
    """Pixels of a PNG, JPEG or WebP file: upright, 8 bits, three channels.

    Turned as its EXIF orientation says; grey, palette, CMYK and 16-bit images become RGB; of an animation the first
    frame is taken; transparent parts show `background`. Colour profiles are not applied. Raises UserError, naming the
    file, if it is damaged, cut short or too large.
    """
    behind = rgb(background)
    with _mended(name):
        image = _upright(_open(name, data))
        if image.has_transparency_data:
            ground = PIL.Image.new("RGBA", image.size, (*behind, 255))
            ground.alpha_composite(image.convert("RGBA"))
            image = ground
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


def cut_out(name: str, data: bytes) -> np.ndarray:
    """As `decode`, but (height, width, 4) uint8: what is transparent stays so, and empty margins are cut away.

    Raises UserError too where nothing is transparent, or everything.
    """
    with _mended(name):
        image = _upright(_open(name, data)).convert("RGBA")
        pixels = np.asarray(image)
    solid = pixels[..., 3] >= 32
    if solid.all() or not solid.any():
        raise UserError(f"{name} is no cut-out: {'nothing' if solid.any() else 'everything'} in it is transparent.")
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour by name (`white`) or number (`#808080`) as three values of 0 to 255; UserError if it is none."""
    try:
        found = PIL.ImageColor.getrgb(colour)
    except ValueError:
        raise UserError(f"There is no colour {colour!r}; use a name such as white, or #808080.") from None
    return found[0], found[1], found[2]


def _open(name: str, data: bytes) -> PIL.Image.Image:
    if len(data) > MAX_BYTES:
        raise UserError(f"{name} is larger than {MAX_BYTES / 1e6:.0f} MB; make it smaller.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes for which we have a limit of our own
            image = PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except (PIL.UnidentifiedImageError, PIL.Image.DecompressionBombError) as error:
        if isinstance(error, PIL.Image.DecompressionBombError):
            raise UserError(f"{name} unpacks to too many pixels; at most {MAX_PIXELS / 1e6:.0f} million.") from None
        raise UserError(f"{name} is no PNG, JPEG or WebP image, or its beginning is damaged.") from None
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise UserError(f"{name} is damaged ({_reason(error)}).") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(f"{name} is {width:,} x {height:,} pixels; at most {MAX_PIXELS / 1e6:.0f} million can be used.")
    return image


@contextmanager
def _mended(name: str) -> Iterator[None]:
    """Turns what Pillow raises for damaged files into a sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata, which is not used
            yield
    except UserError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error, MemoryError) as error:
        raise UserError(f"{name} is damaged or cut short ({_reason(error)}).") from error


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__


def _upright(image: PIL.Image.Image) -> PIL.Image.Image:
    """Unpacked, turned as its EXIF orientation says, with 8 bits a channel."""
    image.load()
    image = PIL.ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits: Pillow would cut off all values above 255 instead of scaling them.
        values = np.asarray(image, dtype=np.float64)
        image = PIL.Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8), mode="L")
    return image
