"""What `cfg.json` said before SAELens 6, put into today's words.

Then everything stood at the top level, names of the model and of the hook among the settings, and a TopK dictionary
was a standard one with another activation function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.dictionaries.sae.config import Unfit

_RENAMED = {
    "hook_point": "hook_name",
    "hook_point_head_index": "hook_head_index",
    "activation_fn_str": "activation_fn",
}
# What was said of the model and the data; the rest was about the training run.
_ABOUT = (
    *("model_name", "hook_name", "hook_name_out", "hook_layer", "hook_head_index", "model_class_name", "context_size"),
    *("model_from_pretrained_kwargs", "prepend_bos", "exclude_special_tokens", "seqpos_slice", "dataset_path"),
    *("neuronpedia_id", "sae_lens_version", "sae_lens_training_version", "hook_head_index_out"),
)


def is_legacy(values: Mapping[str, Any]) -> bool:
    """Whether a `cfg.json` was written before version 6, or says nothing of its version."""
    metadata = values.get("metadata")
    version = values.get("sae_lens_version") or (metadata.get("sae_lens_version") if isinstance(metadata, dict) else "")
    number = re.match(r"\d+", str(version or ""))
    return number is None or int(number[0]) < 6


def modernised(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings in today's form."""
    new = {_RENAMED.get(key, key): value for key, value in values.items()}
    if new.get("finetuning_scaling_factor"):
        raise Unfit("it was fine-tuned with a scaling factor, which today's format has no place for")
    hook = str(new.get("hook_name") or "")
    new.setdefault("architecture", "standard")
    new.setdefault("apply_b_dec_to_input", True)
    new.setdefault("reshape_activations", "hook_z" if "hook_z" in hook else "none")
    if isinstance(new.get("normalize_activations"), bool) or new.get("normalize_activations") is None:
        new["normalize_activations"] = "expected_average_only_in" if new.get("normalize_activations") else "none"
    arguments = new.get("activation_fn_kwargs")
    if new.get("activation_fn") == "topk" and isinstance(arguments, dict) and arguments.get("k") is not None:
        new["architecture"], new["k"] = "topk", arguments["k"]
    about = {key: new[key] for key in _ABOUT if new.get(key) is not None}
    nested = new.get("metadata")
    new["metadata"] = {**nested, **about} if isinstance(nested, dict) else about
    return new
