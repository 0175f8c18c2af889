"""Tiny random classifiers of images, saved as a user's model directory would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageClassification

SIZE = 32  # pixels along an edge
CLASSES = 5

# What makes each architecture tiny: four blocks or so, two of them alike.
TINY: dict[str, dict[str, Any]] = {
    "vit": {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 2, 2, 1]},
    "convnext": {"hidden_sizes": [8, 12, 16, 24], "depths": [1, 2, 2, 1]},
    "mobilenet_v1": {"depth_multiplier": 0.25},
    "mobilenet_v2": {"depth_multiplier": 0.35},
    "efficientnet": {"width_coefficient": 0.25, "depth_coefficient": 0.5, "hidden_dim": 320},
    "swin": {"embed_dim": 8, "depths": [1, 2, 2], "num_heads": [1, 2, 2], "window_size": 2, "num_layers": 3},
    "dinov2": {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "mlp_ratio": 2},
}
PATCHES = {"vit": 8, "swin": 4, "dinov2": 8}
PROCESSORS = {
    "vit": "ViTImageProcessor",
    "resnet": "ConvNextImageProcessor",
    "convnext": "ConvNextImageProcessor",
    "mobilenet_v1": "MobileNetV1ImageProcessor",
    "mobilenet_v2": "MobileNetV2ImageProcessor",
    "efficientnet": "EfficientNetImageProcessor",
    "swin": "ViTImageProcessor",
    "dinov2": "BitImageProcessor",
}


def tiny_image_network(kind: str, *, seed: int = 0) -> Any:
    """A random network of the architecture `kind`, whose norms have seen some data."""
    sizes = dict(TINY[kind])
    if kind in PATCHES:
        sizes["patch_size"] = PATCHES[kind]
    config = AutoConfig.for_model(kind, num_labels=CLASSES, image_size=SIZE, **sizes)
    config.id2label = {number: f"kind {number}, sort {number}" for number in range(CLASSES)}
    torch.manual_seed(seed)
    network = AutoModelForImageClassification.from_config(config)
    # Fresh batch norms make deep random networks shrink to nothing.
    network.train()
    with torch.no_grad():
        for _ in range(8):
            network(torch.randn(64, 3, SIZE, SIZE))
    return network.eval()


def tiny_image_directory(parent: Path, kind: str, *, seed: int = 0, processor: dict[str, Any] | None = None) -> Path:
    """A model directory `parent/kind` with config, safetensors and image processor."""
    import json

    directory = parent / kind
    tiny_image_network(kind, seed=seed).save_pretrained(directory)
    edge = {"shortest_edge": SIZE} if "ConvNext" in PROCESSORS[kind] else {"height": SIZE, "width": SIZE}
    settings = {"image_processor_type": PROCESSORS[kind], "size": edge, "crop_size": {"height": SIZE, "width": SIZE}}
    (directory / "preprocessor_config.json").write_text(json.dumps({**settings, **(processor or {})}))
    return directory
