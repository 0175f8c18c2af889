"""A few whole texts with the codes of their tokens, as collectors need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.dictionaries.coder import Coder

NUMBERS = 1 << 25  # codes, zeros included, that are held at once: 128 MB in float32


@dataclass(frozen=True, eq=False)
class Read:
    """Tokens of whole texts, as they were read: text after text, each in order.

    texts: (t,) numbers of the texts. bounds: (t + 1,) where each text's tokens begin; the last is n. positions, ids:
    (n,) of each token in its text, and its token id. x: (n, d_in) activations.
    """

    texts: NDArray[np.int64]
    bounds: NDArray[np.int64]
    positions: NDArray[np.int64]
    ids: NDArray[np.int64]
    x: Tensor


@dataclass(frozen=True, eq=False)
class Chunk:
    """`read`, encoded. codes: (n, m) float32. rows, features, values: (c,) all codes that are not 0, row after row."""

    read: Read
    codes: Tensor
    rows: NDArray[np.int64]
    features: NDArray[np.int64]
    values: NDArray[np.float32]

    @property
    def text_of(self) -> NDArray[np.int64]:
        """(n,) number of each token's text."""
        return np.repeat(self.read.texts, np.diff(self.read.bounds))

    def peaks(self, sign: int) -> NDArray[np.float32]:
        """(t, m): the largest code of each text times `sign`, at least 0."""
        bounds = self.read.bounds.tolist()
        found = [
            (sign * self.codes[a:b]).amax(dim=0) if b > a else self.codes.new_zeros(self.codes.shape[1])
            for a, b in pairwise(bounds)
        ]
        return torch.stack(found).clamp(min=0).cpu().numpy()

    def where(self, texts: NDArray, features: NDArray, peaks: NDArray[np.float32]) -> NDArray[np.int64]:
        """(c,) the first row of text number `texts` (places in read.texts) at which the code is `peaks`."""
        starts, ends = self.read.bounds[texts], self.read.bounds[texts + 1]
        longest = int((ends - starts).max(initial=0))
        found = np.empty(len(texts), dtype=np.int64)
        step = max(1, (1 << 22) // max(longest, 1))
        for at in range(0, len(texts), step):
            part = slice(at, at + step)
            rows = starts[part, None] + np.arange(longest)
            inside = rows < ends[part, None]
            codes = self.at(np.minimum(rows, len(self.read.positions) - 1), features[part, None])
            found[part] = starts[part] + ((codes == peaks[part, None]) & inside).argmax(axis=1)
        return found

    def at(self, rows: NDArray, features: NDArray) -> NDArray[np.float32]:
        """Codes at these rows and features."""
        places = torch.from_numpy(np.ascontiguousarray(rows)), torch.from_numpy(np.ascontiguousarray(features))
        device = self.codes.device
        return self.codes[places[0].to(device), places[1].to(device)].cpu().numpy()

    def windows(self, rows: NDArray, features: NDArray, before: int, after: int) -> NDArray[np.float32]:
        """(c, before + 1 + after): each feature's codes at the tokens around a row; NaN where none was read."""
        width = before + 1 + after
        if len(rows) == 0:
            return np.zeros((0, width), dtype=np.float32)
        text = np.repeat(np.arange(len(self.read.texts)), np.diff(self.read.bounds))
        # Around each row stand at most `before` and `after` rows that can be in its window: the others left out tokens.
        near = rows[:, None] + np.arange(-before, after + 1)
        inside = np.clip(near, 0, len(text) - 1)
        place = self.read.positions[inside] - self.read.positions[rows][:, None] + before
        same = (near == inside) & (text[inside] == text[rows][:, None]) & (place >= 0) & (place < width)
        found = np.full((len(rows), width), np.nan, dtype=np.float32)
        which, column = np.nonzero(same)
        found[which, place[which, column]] = self.at(inside[which, column], features[which])
        return found


def chunks(read: Read, coder: Coder) -> Iterator[Chunk]:
    """`read` encoded, in parts of whole texts that are as large as memory allows."""
    room = max(1, NUMBERS // coder.n_features)
    first = 0
    while first < len(read.texts):
        last = first + 1
        while last < len(read.texts) and read.bounds[last + 1] - read.bounds[first] <= room:
            last += 1
        a, b = int(read.bounds[first]), int(read.bounds[last])
        if b > a:
            yield _encoded(_part(read, first, last), coder)
        first = last


def _part(read: Read, first: int, last: int) -> Read:
    a, b = int(read.bounds[first]), int(read.bounds[last])
    return Read(
        read.texts[first:last],
        read.bounds[first : last + 1] - a,
        read.positions[a:b],
        read.ids[a:b],
        read.x[a:b],
    )


def _encoded(read: Read, coder: Coder) -> Chunk:
    codes = coder.encode(read.x.float())
    places = codes.nonzero()
    values = codes[places[:, 0], places[:, 1]].float().cpu().numpy()
    rows, features = places.cpu().numpy().T
    return Chunk(read, codes, np.ascontiguousarray(rows), np.ascontiguousarray(features), values)
