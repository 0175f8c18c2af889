"""Directions for tests, made of random numbers."""

from __future__ import annotations

import numpy as np

from core.directions import Direction
from tests.tiny import WIDTH


def direction(name: str = "warm", layer: int = 2, seed: int = 0, **changes: object) -> Direction:
    raw = np.random.default_rng(seed).standard_normal(WIDTH)
    values: dict = {
        "name": name,
        "model_id": "tiny",
        "model_fingerprint": "f" * 24,
        "site": f"model.layers.{layer} output",
        "layer": layer,
        "vector": (raw / np.linalg.norm(raw)).astype(np.float32),
        "raw_norm": 3.5,
        "method": "diffmean",
        "provenance": {"examples": {"id": "set", "title": "A set"}, "architecture": "llama"},
    }
    return Direction(**values | changes)
