"""What others call a place in a network, and which of our sites that is.

`blocks.14.hook_resid_pre` is TransformerLens' name for the stream before block 14, which we call the stream after
layer 13; a module path is what SAELens uses with plain transformers models; `model.layers.13 output` is our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import nn

from core.dictionaries.sae.config import Unfit
from core.models import KINDS, Model, Site
from core.models.block import has_matrix

# TransformerLens' names within a block, and the kind of site of the same layer that each is.
HOOKS = {
    "hook_resid_post": "after",
    "hook_out": "after",
    "hook_resid_pre": "before",
    "hook_in": "before",
    "hook_mlp_out": "mlp",
    "hook_attn_out": "attention",
    "mlp.hook_post": "hidden",
    "mlp.out.hook_in": "hidden",
}
# What goes into the MLP, with a caution where the name may mean another tensor.
MLP_INPUTS = {
    "mlp.hook_in": "",
    "mlp.hook_mlp_in": "",
    "hook_mlp_in": "'hook_mlp_in' is the stream before the MLP's norm in TransformerLens 2, and what comes out of that"
    " norm in version 3; it is taken for the latter.",
    "ln2.hook_normalized": "'ln2.hook_normalized' is the input of the MLP only where that norm stands before it and its"
    " gain is folded in.",
}
# What a branch puts out itself; a norm may stand between it and the stream.
OWN_OUTPUTS = {"mlp.hook_out": "mlp", "attn.hook_out": "attention"}
OUTPUT_PROJECTIONS = ("o_proj", "out_proj", "c_proj", "dense", "wo", "out", "proj")

_BLOCK = re.compile(r"(?:blocks|transformer_layers)\.(\d+)\.(.+)")


@dataclass(frozen=True)
class Named:
    """A site by another's name. caution: a sentence on why the two may differ, or ''."""

    site: Site
    caution: str = ""


def site_named(name: str, model: Model) -> Named:
    """The site of `model` that `name` means. Raises Unfit if there is none, saying which names are known."""
    name = name.strip()
    if match := _BLOCK.fullmatch(name):
        return _hook(int(match[1]), match[2], name, model)
    if name in ("hook_embed", "embed.hook_out"):
        return Named(
            _site(model, 0, "before", name), "'hook_embed' leaves out position embeddings, which this stream may hold."
        )
    return Named(_module(name, model))


def _hook(layer: int, hook: str, name: str, model: Model) -> Named:
    if hook in ("hook_resid_pre", "hook_in") and layer > 0:
        return Named(_site(model, layer - 1, "after", name))
    if hook in HOOKS:
        return Named(_site(model, layer, HOOKS[hook], name))
    if hook in MLP_INPUTS:
        return Named(Site(layer, "mlp", _mlp(model, layer, name), "input"), MLP_INPUTS[hook])
    if hook in OWN_OUTPUTS:
        return Named(_own_output(model, layer, OWN_OUTPUTS[hook], name))
    if hook == "attn.hook_z":
        return Named(_before_projection(model, layer, name))
    raise Unfit(f"it was trained at {name[:80]!r}, a place that has no single module in {model.id}")


def _site(model: Model, layer: int, kind: str, name: str) -> Site:
    if layer >= model.n_layers:
        raise Unfit(f"it was trained at {name[:80]!r}, but {model.id} has only {model.n_layers} layers")
    site = model.find_site(layer, kind)  # type: ignore[arg-type]  # a key of KINDS
    if site is None:
        raise Unfit(f"it was trained at {name[:80]!r}, a place that has no single module in {model.id}")
    return site


def _mlp(model: Model, layer: int, name: str) -> str:
    """The module that is the MLP: what goes into it is the MLP's input.

    The site of what the MLP adds is of no use here where a norm stands behind the MLP (Gemma 2 and 3, OLMo 2): that
    norm's input is what the MLP has put out. The MLP holds the down projection and what stands before it.
    """
    added, hidden = _site(model, layer, "mlp", name).module, model.layout.hidden[layer]
    block = model.layout.blocks[layer]
    found = added
    if hidden is not None and not hidden.startswith(f"{added}."):
        found = f"{block}.{hidden.removeprefix(f'{block}.').split('.')[0]}"
    module = model.network.get_submodule(found)
    last = None if hidden is None else model.network.get_submodule(hidden)
    before = [one for one in module.modules() if one is not last and not list(one.children()) and has_matrix(one)]
    if found == hidden or not before:
        raise Unfit(
            f"it was trained at {name[:80]!r}, and the MLP of {model.id} is no module of its own whose input could be"
            " read; name the module (model.layers.0.mlp input)"
        )
    return found


def _own_output(model: Model, layer: int, kind: str, name: str) -> Site:
    """What MLP or attention put out themselves, before a norm that may follow."""
    site = _site(model, layer, kind, name)
    if has_matrix(model.network.get_submodule(site.module)):
        return site
    if kind == "mlp":
        return Site(layer, "mlp", _mlp(model, layer, name), "output")
    raise Unfit(f"it was trained at {name[:80]!r}, behind which {model.id} has a norm; name the module itself")


def _before_projection(model: Model, layer: int, name: str) -> Site:
    """The heads' results side by side: what goes into the output projection of attention."""
    attention = model.network.get_submodule(_site(model, layer, "attention", name).module)
    for child in OUTPUT_PROJECTIONS:
        if isinstance(getattr(attention, child, None), nn.Module):
            path = _site(model, layer, "attention", name).module
            return Site(layer, "attention", f"{path}.{child}", "input")
    raise Unfit(f"it was trained at {name[:80]!r}, and the attention of {model.id} has no output projection we know")


def _module(name: str, model: Model) -> Site:
    """A module path with or without our side: `model.layers.13 output`, `model.layers.13.mlp`."""
    path, _, side = name.partition(" ")
    if side not in ("", "input", "output"):
        raise Unfit(_unknown(name))
    for layer in range(model.n_layers):
        for kind in KINDS:
            site = model.find_site(layer, kind)
            # A path alone means what its module puts out.
            if site is not None and (site.module, site.side) == (path, side or "output"):
                return site
    for layer, block in enumerate(model.layout.blocks):
        if path == block or path.startswith(f"{block}."):
            if path not in dict(model.network.named_modules()):
                break
            kind = (
                "attention"
                if model.layout.attention[layer] and path.startswith(f"{model.layout.attention[layer]}")
                else "mlp"
            )
            return Site(layer, kind, path, "input" if side == "input" else "output")
    raise Unfit(_unknown(name))


def _unknown(name: str) -> str:
    known = ", ".join(["hook_resid_post", "hook_resid_pre", "hook_mlp_out", "hook_attn_out"])
    return f"it was trained at {name[:80]!r}, which is no module of the model and none of blocks.L.({known}, ...)"
