"""Whether a dictionary belongs to a model: widths that do not fit are refused, names that do not match asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import torch

from core.dictionaries.dictionary import Dictionary
from core.dictionaries.hook_names import site_named
from core.dictionaries.sae.config import Unfit
from core.errors import UserError
from core.models import Model, Site, record

# What the same model is called elsewhere; everything is compared in lower case and without the owner.
ALIASES = (
    ("smollm2", "smollm2-135m-instruct", "smollm-135m-instruct-v0.2"),
    ("gpt2", "gpt2-small"),
    ("gpt2-xl", "gpt2-xlarge"),
    ("pythia-70m-deduped", "pythia-70m-deduped-v0"),
)


# What a model can be opened with and has the same activations, but for rounding.
HARMLESS = (
    *("dtype", "torch_dtype", "device", "device_map", "n_devices", "n_ctx", "move_to_device", "attn_implementation"),
    *("trust_remote_code", "local_files_only", "token", "cache_dir", "low_cpu_mem_usage", "use_cache"),
    *("default_padding_side", "default_prepend_bos", "tokenizer"),
)


class NotSure(UserError):
    """The dictionary may not belong to this model or place; a person can say that it does.

    questions: sentences, each a reason to doubt.
    """

    def __init__(self, name: str, questions: Sequence[str]) -> None:
        self.questions = tuple(questions)
        super().__init__(
            f"It is not sure that the dictionary {name!r} belongs here: {' '.join(questions)} If it does, say --accept."
        )


def fitted(dictionary: Dictionary, model: Model, *, at: Site | None = None, accept: bool = False) -> Dictionary:
    """`dictionary` bound to `model`: its card names model and sites.

    at: the site that it reads, for a dictionary whose files do not say or say it in words that we do not know.
    accept: a person has looked at the questions. Raises NotSure for a name that does not match, UserError for widths
    that do not fit, for another model's dictionary and for a place that is not there.
    """
    card = dictionary.card
    if card.model_fingerprint and card.model_fingerprint != model.fingerprint and not accept:
        raise NotSure(
            dictionary.name,
            [
                f"It was made on {card.model_id} ({card.model_fingerprint[:8]}),"
                f" and this is {model.id} ({model.fingerprint[:8]})."
            ],
        )
    questions = [] if card.model_fingerprint else _questions(dictionary, model)
    try:
        reads, rebuilds, cautions = _sites(dictionary, model, at)
        _check_width(dictionary.coder.d_in, reads, model, "reads")
        _check_width(dictionary.coder.d_out, rebuilds, model, "rebuilds")
    except Unfit as error:
        raise UserError(f"The dictionary {dictionary.name!r} does not fit {model.id}: {error}.") from None
    if (questions := [*questions, *cautions]) and not accept:
        raise NotSure(dictionary.name, questions)
    bound = replace(
        card,
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        reads=reads,
        rebuilds=rebuilds,
        writes_to=card.writes_to or rebuilds,
    )
    return dictionary.replaced(card=bound)


def same_model(one: str, other: str) -> bool:
    """Whether two names are of one model, as far as names tell."""
    names = [_plain(one), _plain(other)]
    return names[0] == names[1] or any(set(names) <= set(alias) for alias in ALIASES)


def _plain(name: str) -> str:
    return re.sub(r"[_\s]+", "-", name.strip().rstrip("/").split("/")[-1].lower()).removesuffix(".gguf")


def _questions(dictionary: Dictionary, model: Model) -> list[str]:
    name = dictionary.metadata.get("model_name")
    if not isinstance(name, str) or not name:
        return ["Its files do not say which model it was trained on.", *_processing(dictionary)]
    if not same_model(name, model.id):
        return [f"It says that it was trained on {name[:80]!r}, and this is {model.id!r}.", *_processing(dictionary)]
    return _processing(dictionary)


def _processing(dictionary: Dictionary) -> list[str]:
    """A question where the weights of the model were changed before it was trained, as TransformerLens can do."""
    given = dictionary.metadata.get("model_from_pretrained_kwargs")
    given = given if isinstance(given, dict) else {}
    asked = [str(key) for key, value in given.items() if value and key not in HARMLESS]
    if not asked:
        return []
    return [
        f"The model was opened for it with {', '.join(asked)[:200]}: its activations may have been other ones than this"
        " model has (with center_writing_weights the stream has a mean of 0)."
    ]


def _sites(dictionary: Dictionary, model: Model, at: Site | None) -> tuple[Site, Site, list[str]]:
    card, cautions = dictionary.card, []
    name = dictionary.metadata.get("hf_hook_name") or dictionary.metadata.get("hook_name")
    if at is not None:
        reads = at
    elif card.reads is not None:
        reads = card.reads
    elif isinstance(name, str) and name:
        named = site_named(name, model)
        reads = named.site
        cautions += [named.caution] if named.caution else []
    else:
        raise Unfit("its files do not say at which layer it was trained; name one with --layer")
    out = dictionary.metadata.get("hf_hook_name_out") or dictionary.metadata.get("hook_name_out")
    if card.rebuilds is not None:
        return reads, card.rebuilds, cautions
    if isinstance(out, str) and out and out != name:
        named = site_named(out, model)
        return reads, named.site, cautions + ([named.caution] if named.caution else [])
    if "transcoder" in dictionary.coder.kind:
        # A transcoder that does not say otherwise stands in for the MLP whose input it reads.
        mlp = model.find_site(reads.layer, "mlp")
        if mlp is None:
            raise Unfit(f"it is a transcoder, and layer {reads.layer} has no single MLP to stand in for")
        return reads, mlp, [*cautions, "Its files do not name its output; it is taken for the MLP of that layer."]
    return reads, reads, cautions


def _check_width(width: int, site: Site, model: Model, verb: str) -> None:
    try:
        model.network.get_submodule(site.module)
    except AttributeError:
        raise Unfit(f"it {verb} {site}, which this model has not") from None
    token = torch.tensor([[model.pad_id, model.pad_id]], device=model.device)
    here = record(model, {"input_ids": token, "attention_mask": torch.ones_like(token)}, [site])[site].shape[-1]
    if here != width:
        raise Unfit(f"it {verb} activations of width {width}, and {site} has width {here}")
