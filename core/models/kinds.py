"""Whether a model reads texts or images, told from its config without loading it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from core.models.bundled import BUNDLED, LITE_TYPE
from core.models.class_names import names_of_config
from core.models.source import find_source, read_config

Kind = Literal["text", "image"]


def kind_of(spec: str) -> Kind:
    """Whether `spec`, as for `open_model`, names a model of texts or of images.

    Raises UserError where nothing can be found under that name.
    """
    if spec.strip() in BUNDLED:
        return BUNDLED[spec.strip()].kind
    source = find_source(spec)
    config = source.directory / "config.json"
    if source.gguf is not None or not config.is_file():
        return "text"
    return "image" if reads_images(read_config(config)) else "text"


def classifies_texts(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a classifier of texts, whose logits are of classes and not of words."""
    return any("ForSequenceClassification" in name for name in _architectures(config))


def text_classes(spec: str) -> tuple[str, ...]:
    """Names of the classes of a classifier of texts, as an opened model has them; () for one that predicts words.

    Raises UserError where nothing can be found under that name.
    """
    if spec.strip() in BUNDLED:
        return ()
    source = find_source(spec)
    path = source.directory / "config.json"
    if source.gguf is not None or not path.is_file() or not classifies_texts(config := read_config(path)):
        return ()
    named = config.get("id2label")
    classes = named if isinstance(named, dict) else {}
    return names_of_config(classes, len(classes) or int(config.get("num_labels") or 2))


def reads_images(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a classifier of images."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
    )

    architectures = _architectures(config)
    if architectures:
        return any("ForImageClassification" in name for name in architectures)
    kind = str(config.get("model_type"))
    known = kind in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES and kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return known or kind == LITE_TYPE


def _architectures(config: Mapping[str, Any]) -> list[str]:
    named = config.get("architectures")
    return [str(name) for name in named] if isinstance(named, list) else []
