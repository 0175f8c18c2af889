"""Dictionaries whose decoder is one matrix: what neurons, principal components and SNMF have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from core.dictionaries.coder import Coder
from core.dictionaries.sae.config import LARGEST, Unfit

# Given a check of all shapes, loads the tensors of the file at hand.
Load = Callable[[Callable[[Mapping[str, tuple[int, ...]]], None]], dict[str, Tensor]]


class Linear(Coder):
    """A dictionary whose config is its widths and whose tensors are held by name. Not a SAELens architecture."""

    names: ClassVar[Mapping[str, tuple[str, ...]]]  # tensors, with the names of their axes

    def __init__(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> None:
        self._tensors, self._metadata = dict(tensors), dict(metadata or {})
        self.n_features, self.d_out = (int(size) for size in self._tensors["W_dec"].shape)
        self.d_in = self._width_in()

    def _width_in(self) -> int:
        return self.d_out

    @property
    def W_dec(self) -> Tensor:
        return self._tensors["W_dec"]

    def tensors(self) -> dict[str, Tensor]:
        return dict(self._tensors)

    def config(self) -> dict[str, Any]:
        widths = {"d_in": self.d_in, "d_sae": self.n_features, "d_out": self.d_out}
        return {"architecture": self.kind, **widths, "dtype": "float32", "metadata": dict(self._metadata)}

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        moved = {name: tensor.to(device=device, dtype=dtype) for name, tensor in self._tensors.items()}
        return type(self)(moved, self._metadata)

    @classmethod
    def from_files(cls, values: Mapping[str, Any], load: Load) -> Self:
        """The coder that `cfg.json` (values) and its tensors say. Raises Unfit if they do not agree."""
        widths = {key: values.get(key) for key in ("d_in", "d_sae", "d_out")}
        for key, width in widths.items():
            if isinstance(width, bool) or not isinstance(width, int) or not 0 < width <= LARGEST:
                raise Unfit(f"its {key} is {str(width)[:40]!r}, not a whole number from 1 to {LARGEST}")

        def check(shapes: Mapping[str, tuple[int, ...]]) -> None:
            free = {"width": shapes.get("W_write", (0, 0))[-1]}
            wanted = {name: tuple({**widths, **free}[axis] for axis in axes) for name, axes in cls.names.items()}
            if dict(shapes) != wanted:
                raise Unfit(f"its tensors are {_described(shapes)}, where its cfg.json asks for {_described(wanted)}")

        metadata = values.get("metadata")
        return cls(load(check), metadata if isinstance(metadata, dict) else {})

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor: ...


def _described(shapes: Mapping[str, tuple[Any, ...]]) -> str:
    return ", ".join(f"{name[:20]} {list(shape)}" for name, shape in sorted(shapes.items())[:6])
