"""Opening a causal language model or a classifier of texts: a bundled id, a directory, a GGUF file or a hub id."""

from __future__ import annotations

from typing import Any

import torch

from core.errors import UserError
from core.models.class_names import names_of_config
from core.models.device import choose_device, choose_dtype
from core.models.gguf_header import require_header
from core.models.kinds import classifies_texts, kind_of
from core.models.known import remember_layout
from core.models.layout import find_layout
from core.models.loading import UNREADABLE, reason, require_all_weights
from core.models.model import Model, pad_id_of
from core.models.needs import require_room, room
from core.models.quantised import (
    QUANTISED,
    check_quantised,
    config_for,
    give_back_freed,
    made_differentiable,
    scheme_of,
)
from core.models.shelf import remember
from core.models.source import Source, find_source, read_config
from core.models.spread import (
    SPREAD,
    Places,
    check_loaded,
    check_spread,
    first_device,
    loading_options,
    needs_a_copy,
    places_of,
)
from core.models.unchanged import OpenedFiles


def open_model(
    spec: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    blocks: str | None = None,
    places: Places | None = None,
) -> Model:
    """Load the model that `spec` names, ready to be recorded and edited.

    spec: `smollm2`, a local directory (a PEFT adapter too; a classifier of texts where its config says
    ForSequenceClassification), a .gguf file, or a hub id. device: "cuda", "mps" or "cpu"; the best there is by default;
    "spread" puts layers on all GPUs, then in memory, then leaves them on disk. dtype: "float32", "bfloat16" or
    "float16"; by default what the device is good at; "int8" and "int4" keep weights in fewer bits and compute in that.
    blocks: module path of the list of layers, for an architecture in which it is not found. places: device by module
    path, to spread it by hand (core/models/spread.py).

    Raises UserError if the model cannot be opened, or needs more memory than is free. Code that a model directory
    brings along never runs.
    """
    chosen_device = choose_device(device)
    chosen_dtype = choose_dtype(chosen_device, dtype)
    if kind_of(spec) == "image":
        raise UserError(f"{spec} is a classifier of images, which writes no text; choose a language model.")
    source = find_source(spec)
    files = OpenedFiles(source, scheme_of(dtype))
    config = source.directory / "config.json"
    classifies = source.gguf is None and config.is_file() and classifies_texts(read_config(config))
    quantised = dtype if dtype in QUANTISED else ""
    options: dict[str, Any] = {}
    if spread := device == SPREAD or places is not None:
        check_spread(source, places, bool(quantised))
        options |= loading_options(places, room())
    else:
        require_room(source, chosen_device, chosen_dtype, quantised)
    if quantised:
        options |= _quantising(source, quantised, chosen_device, chosen_dtype, options)
    network, tokenizer = _load(source, chosen_dtype, classifies, options)
    if quantised:
        check_quantised(network, source.id, quantised)
        made_differentiable(network)
        give_back_freed()
    if spread:
        check_loaded(source, network, bool(quantised))
    if classifies and (own := network.config.get_text_config()).pad_token_id is None:
        # Such a network reads its answer at the last token that is not padding, which it has to be told.
        own.pad_token_id = pad_id_of(tokenizer)
    if source.adapter is not None:
        network = _with_adapter(network, source)
    if "device_map" not in options:
        network.to(chosen_device)
    network.eval().requires_grad_(False)
    model = Model(
        id=source.id,
        network=network,
        tokenizer=tokenizer,
        device=first_device(places_of(network)) if places_of(network) else chosen_device,
        dtype=chosen_dtype,
        fingerprint=files.fingerprint(),
        files=files,
        quantised=quantised,
        layout=find_layout(network, blocks),
        class_names=names_of_config(network.config.id2label, network.config.num_labels) if classifies else (),
    )
    remember(source, model.n_layers, model.width)
    if blocks is None:
        remember_layout(model.fingerprint, model.layout.blocks, model.width)
    return model


def _quantising(
    source: Source, name: str, device: torch.device, dtype: torch.dtype, options: dict[str, Any]
) -> dict[str, Any]:
    """The options with which weights are put into fewer bits as they are read."""
    if source.gguf is not None:
        raise UserError(f"{source.id} is a GGUF file, which {name} cannot be made of; open it in a plain precision.")
    # Weights are packed where they come to lie; moving them afterwards would hold both forms.
    where = options.get("device_map", {"": device})
    return {"quantization_config": config_for(name, device, dtype), "device_map": where}


def _load(source: Source, dtype: torch.dtype, classifies: bool, more: dict[str, Any]) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    kind: Any = AutoModelForSequenceClassification if classifies else AutoModelForCausalLM

    logging.disable_progress_bar()
    # local_files_only: whatever had to be fetched was fetched by find_source.
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    if source.gguf is not None:
        options["gguf_file"] = source.gguf
    try:
        if source.gguf is not None:
            require_header(source.directory / source.gguf)
        tokenizer = AutoTokenizer.from_pretrained(source.directory, **options)
        network, loaded = kind.from_pretrained(
            source.directory,
            dtype=dtype,
            output_loading_info=True,
            **options,
            **more,
            **({} if source.gguf else {"use_safetensors": True}),
        )
    except UserError:
        raise
    except UNREADABLE as error:
        if needs_a_copy(error):
            raise UserError(
                f"{source.id} does not fit, and its weights are stored otherwise than they are used, so that they "
                "cannot be left on disk; choose a smaller precision (--dtype) or a machine with more memory."
            ) from error
        what = "classifier of texts" if classifies else "causal language model"
        raise UserError(f"{source.id} cannot be opened as a {what}: {reason(error)}") from error
    require_all_weights(source.id, loaded)
    return network, tokenizer


def _with_adapter(network: Any, source: Source) -> Any:
    from peft import PeftModel
    from peft.tuners.tuners_utils import BaseTuner

    try:
        adapted = PeftModel.from_pretrained(network, str(source.adapter), use_safetensors=True)
    except UNREADABLE as error:
        raise UserError(
            f"The adapter {source.adapter} does not fit {source.directory.name}: {reason(error)}"
        ) from error
    if not isinstance(adapted.base_model, BaseTuner):
        raise UserError(f"{source.id} is an adapter that works on prompts, not on layers; it cannot be opened here.")
    # The tuner has put its layers into the base model in place: the base, by its own module names, is now
    # the adapted model, so that directions found with and without the adapter share their sites.
    return adapted.base_model.model
