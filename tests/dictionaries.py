"""Small dictionaries of every architecture, for tests."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.dictionaries.sae import ARCHITECTURES, Config, Sae

D_IN, D_SAE, D_OUT, K = 6, 11, 5, 3
SAELENS = tuple(name for name, table in ARCHITECTURES.items() if not table.foreign)


def small_config(architecture: str, **more: Any) -> Config:
    table = ARCHITECTURES[architecture]
    values: dict[str, Any] = {"d_in": D_IN, "d_sae": D_SAE, "d_out": D_IN, "apply_b_dec_to_input": True}
    if table.transcoder:
        values |= {"d_out": D_OUT, "apply_b_dec_to_input": False}
    if "k" in table.settings:
        values["k"] = K
    metadata = {"model_name": "smollm2", "hook_name": "blocks.1.hook_resid_post"}
    return Config(architecture, **{**values, "metadata": metadata, **more})


def small_sae(architecture: str, seed: int = 0, dtype: torch.dtype = torch.float32, **more: Any) -> Sae:
    """Random weights, as large as the activations: all codes are about as often on as off."""
    config = small_config(architecture, **more)
    chance = torch.Generator().manual_seed(seed)
    weights = {
        name: torch.randn(shape, generator=chance, dtype=torch.float64).to(dtype)
        for name, shape in config.shapes().items()
    }
    if "threshold" in weights:
        weights["threshold"] = weights["threshold"].abs()
    return Sae(config, weights)


def tokens(n: int = 40, width: int = D_IN, seed: int = 1, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=chance, dtype=torch.float64).to(dtype)


def unpacked(data: bytes) -> dict[str, np.ndarray]:
    """A safetensors file of float32 tensors, read by hand: length, JSON header, numbers."""
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    found = {}
    for name, one in header.items():
        assert one["dtype"] == "F32"
        first, last = one["data_offsets"]
        found[name] = np.frombuffer(body[first:last], "<f4").reshape(one["shape"])
    return found


def packed(tensors: dict[str, np.ndarray]) -> bytes:
    header, body = {}, b""
    for name, values in tensors.items():
        data = values.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
