"""What every loaded network has, whether it reads texts or images."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.models.unchanged import OpenedFiles


@dataclass(eq=False, kw_only=True)
class Loaded(ABC):
    """A network with its device, lock and fingerprint.

    Many threads may share one. Whoever runs the network or changes it does so under `lock`, and leaves nothing
    behind when letting go of it; `record`, `gradients` and `edit` see to that.

    device: where inputs go and where what is read comes out, also where layers lie on others. fingerprint: 24
    hexadecimal digits over everything that decides the network's numbers. files: those it was read from; None for one
    that was not read from files.
    """

    id: str
    network: Any  # torch.nn.Module; its call signature differs by architecture
    device: torch.device
    dtype: torch.dtype
    fingerprint: str
    files: OpenedFiles | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def dtype_name(self) -> str:
        """`float32`, `bfloat16`, ..."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def device_type(self) -> str:
        """`cpu`, `cuda` or `mps`."""
        return self.device.type

    def require_unchanged(self) -> None:
        """Raises UserError where the network may no longer be what its fingerprint says: its files have changed."""
        if self.files is not None:
            self.files.require_unchanged()

    @abstractmethod
    def run(self, inputs: Mapping[str, Tensor]) -> Any:
        """One plain pass over a batch; what comes out has `.logits`. Call it under the lock."""
