"""Images, and what a set of examples made of them is.

An image is kept as a description that gives its pixels when they are asked for, since a set of photographs would fill
memory. Its digest names what the pixels will be: the bytes of a file, or everything that a generator was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.examples.grouping import group_rows, numbered
from core.examples.two_classes import TwoClasses

Pixels = NDArray[np.uint8]  # (height, width, 3), red, green, blue
MOST = 20_000  # images in one set


class Image(Protocol):
    """An image to be loaded. name: for people. digest: equal digests give equal pixels. content: equal for what is one
    image at bottom: a part and its whole, one file before two backgrounds, two composites of one cut-out.
    """

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def content(self) -> str: ...

    def load(self) -> Pixels:
        """The pixels. Raises UserError, naming the image, if it cannot be read any more."""
        ...


@dataclass(frozen=True, eq=False)
class ImageExamples(TwoClasses):
    """A named, labelled set of images.

    id: what `open_images` takes. labels: (n,) integers, 1 positive, 0 negative; one class alone will do for a pool of
    negatives or for inputs. groups: (n,) integers from 0; rows of one group (the same image, crops of one image, one
    folder) must be split, permuted and bootstrapped together. source: link, path, or how they are made. subgroups: a
    kind per row, or None. notes: sentences for people to read.
    """

    id: str
    title: str
    images: tuple[Image, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    source: str
    positive_name: str = "positive"
    negative_name: str = "negative"
    notes: tuple[str, ...] = ()
    subgroups: tuple[str, ...] | None = None

    @cached_property
    def digest(self) -> str:
        """24 hexadecimal digits of the images' contents, labels, groups and subgroups; names do not count."""
        return self.digest_with([image.digest for image in self.images])


def make_image_examples(
    id: str,
    title: str,
    images: Sequence[Image],
    labels: Sequence[int],
    *,
    source: str,
    own_groups: Sequence[str] | None = None,
    subgroups: Sequence[str] | None = None,
    limit: int | None = None,
    names: tuple[str, str] = ("negative", "positive"),
    notes: Iterable[str] = (),
) -> ImageExamples:
    """A set of images, equal ones joined into one group, cut to `limit` rows with the classes in proportion.

    own_groups: a name per row, '' for a row that stands alone. names: words for label 0 and label 1. Raises UserError
    if there is no image, or there are more than 20,000.
    """
    if not images:
        raise UserError(f"{title} holds no image.")
    if len(images) > MOST:
        raise UserError(f"{title} holds {len(images):,} images; at most {MOST:,} can be used at once, so divide it.")
    y = np.asarray(labels, dtype=np.int64)
    digests = [image.digest for image in images]
    groups = group_rows(digests, own_groups)
    kinds = None if subgroups is None else list(subgroups)
    if limit is not None and limit < len(y):
        rows = rows_within(y, limit)
        images, y, groups = [images[row] for row in rows], y[rows], numbered(groups[rows].tolist())
        digests = [digests[row] for row in rows]
        kinds = None if kinds is None else [kinds[row] for row in rows]
    repeats = len(digests) - len(set(digests))
    remarks = [*notes, *([f"{repeats} of {len(digests)} images repeat an earlier one."] if repeats else [])]
    y.setflags(write=False)
    groups.setflags(write=False)
    return ImageExamples(
        id,
        title,
        tuple(images),
        y,
        groups,
        source,
        names[1],
        names[0],
        tuple(remarks),
        None if kinds is None else tuple(kinds),
    )


def rows_within(labels: NDArray[np.int64], limit: int, *, seed: int = 0) -> NDArray[np.intp]:
    """`limit` row numbers, ascending, the classes in proportion and one of each at least if there are two."""
    rng = np.random.default_rng(seed)
    positives, negatives = (rng.permutation(np.flatnonzero(labels == label)) for label in (1, 0))
    wanted = int(limit * len(positives) / len(labels) + 0.5)
    if limit >= 2 and len(positives) and len(negatives):
        wanted = min(max(wanted, 1), limit - 1)
    return np.sort(np.concatenate([positives[:wanted], negatives[: limit - wanted]]))
