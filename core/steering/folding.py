"""A push folded into the weights: a bias, or an edit of rank one, that does the same without any code of ours.

What acts alike on every token and is linear in what a module puts out can stand in that module's weights:

| operator | site | edit |
|---|---|---|
| add | after (or before) a block, MLP or attention output | bias += c v |
| add | MLP hidden activation | bias += W c v |
| ablate | MLP or attention output | W -= s v vᵀ W, bias -= s v vᵀ bias |
| ablate | MLP hidden activation | W -= s (W v) vᵀ |

Ablation of the residual stream itself is none of them: norms stand between what wrote it and what reads it. Whatever
was folded is compared with the hook on the recipe's own prompt before anybody gets it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.editing import edit
from core.models.model import Model
from core.models.recording import forward
from core.models.site import Site
from core.models.tokens import batch
from core.steering.acts import Acts
from core.steering.ready import Made, Ready

# Settings of a config that give a bias to modules that have none.
BIASES = ("mlp_bias", "attention_bias", "use_bias", "bias")
SAME = 1e-4  # of the largest logit: as far as the folded network may be from the hooked one


@dataclass(frozen=True, eq=False)
class Edit:
    """One change of one tensor: `tensor` += `left` ⊗ `right`, or += `left` where there is no right (a bias).

    tensor: its name in the network. For weights that are stored (inputs, outputs), as GPT-2's, left is the inputs'.
    """

    tensor: str
    what: str
    left: Tensor = field(repr=False)
    right: Tensor | None = field(default=None, repr=False)

    @property
    def delta(self) -> Tensor:
        """What is added to the tensor; subtracting it undoes the edit."""
        return self.left if self.right is None else torch.outer(self.left, self.right)

    def to_json(self) -> dict[str, Any]:
        return {"tensor": self.tensor, "what": self.what, "norm": float(torch.linalg.vector_norm(self.delta))}


@dataclass(frozen=True, eq=False)
class Folded:
    """A network of its own with the edits in it. difference: its largest logit difference from the hooked model's, as a
    share of the largest logit. added_biases: the config's setting that had to be switched on, "" if none."""

    network: Any
    edits: tuple[Edit, ...]
    difference: float
    added_biases: str


def fold(model: Model, ready: Ready) -> Folded:
    """The recipe's interventions as edits of a copy of the model's weights.

    Raises UserError, saying which and why, for a recipe that cannot be folded.
    """
    places = places_of(model, ready)
    wants = [path for path, one in zip(places, ready.made, strict=True) if one.intervention.operator.name == "add"]
    network, added = _with_biases(model, wants)
    edits: list[Edit] = []
    for path, one in zip(places, ready.made, strict=True):
        for change in _edits(network, path, one):
            parameter = network.get_parameter(change.tensor)
            parameter.data += change.delta.to(parameter)
            edits.append(change)
    difference = _difference(model, ready, network)
    if not difference <= SAME:
        raise UserError(
            f"Folded into {places[0]} the push does not do what it does in place ({difference:.1e} apart): in "
            f"{model.id} something stands between that module and the residual stream, so that this recipe cannot be "
            "folded."
        )
    return Folded(network, tuple(edits), difference, added)


def places_of(model: Model, ready: Ready) -> list[str]:
    """The linear module that each intervention would be folded into, by its name in the network.

    Raises UserError, saying which and why, for a recipe that cannot be folded. What only shows in a copy of the network
    (a bias that it cannot be given, say) is told by `fold`.
    """
    if not ready.made:
        raise UserError("The recipe holds no intervention that could be folded into the weights.")
    model.check_plain_weights("Folding into the weights")
    for one in ready.made:
        _check(one)
    return [_linear(model, ready, one.intervention.site) for one in ready.made]


def _check(one: Made) -> None:
    act, name = one.intervention, one.intervention.operator.name
    said = f"Intervention {one.part + 1} cannot be folded into the weights"
    if act.condition is not None:
        raise UserError(f"{said}: it acts under a condition, and weights act always.")
    positions = act.positions
    if not (positions.prompt and positions.first and positions.later and positions.special) or positions.within:
        raise UserError(
            f"{said}: weights act on every token alike; give it the tokens prompt, first, later and special, and no "
            "ranges or turns."
        )
    if name == "code":
        raise UserError(
            f"{said}: it edits a feature's code, for which the dictionary is needed; save the feature as a direction, "
            "and add that."
        )
    if name not in ("add", "ablate"):
        raise UserError(f"{said}: only add and ablate are linear, and {name!r} is not.")
    if name == "ablate" and act.site.kind in ("after", "before"):
        raise UserError(
            f"{said}: the residual stream is read through norms, so that ablating it is no edit of weights; ablate an "
            "MLP or attention output (a direction made with --site mlp), or add instead."
        )
    if act.site.kind == "before" and act.site.layer == 0:
        raise UserError(f"{said}: before the first block there is no module with a bias; push after a block.")


def _linear(model: Model, ready: Ready, site: Site) -> str:
    """The linear module that puts out what is pushed at a site, or reads it (hidden)."""
    layer = site.layer - 1 if site.kind == "before" else site.layer
    down = model.layout.hidden[layer]
    if site.kind in ("after", "before", "hidden"):
        if down is None:
            raise UserError(f"Layer {layer} of {model.id} has no single last linear map in its MLP to fold into.")
        return down
    within = model.network.get_submodule(site.module)
    paths = [
        ".".join(filter(None, (site.module, path)))
        for path, module in within.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.dim() == 2
    ]
    seen: dict[str, Tensor] = {}

    def look(path: str) -> Any:
        return lambda h: seen.__setitem__(path, h.detach().clone())

    sites = {Site(site.layer, site.kind, path, "output"): look(path) for path in dict.fromkeys([site.module, *paths])}
    with edit(model, sites), torch.no_grad():
        forward(model, batch(model, [ready.ids]))
    whole = seen[site.module]
    for path in reversed(paths):
        if seen[path].numel() == whole.numel() and torch.equal(seen[path].reshape(whole.shape), whole):
            return path
    raise UserError(f"What {site} puts out does not come straight from a linear map; this recipe cannot be folded.")


def _with_biases(model: Model, wanted: list[str]) -> tuple[Any, str]:
    """A copy of the network in which the modules at `wanted` have a bias, and the setting that gave it to them."""
    if any(type(module).__module__.startswith("peft.") for module in model.network.modules()):
        raise UserError(f"{model.id} wears an adapter; merge it into its base before folding a push into the weights.")
    with model.lock:
        lacking = [path for path in wanted if getattr(model.network.get_submodule(path), "bias", None) is None]
        if not lacking:
            return copy.deepcopy(model.network), ""
        for setting in BIASES:
            if getattr(model.network.config, setting, None) is not False:
                continue
            config = copy.deepcopy(model.network.config)
            setattr(config, setting, True)
            with torch.random.fork_rng(devices=[]):
                made = type(model.network)(config).to(model.device, model.dtype)
            if any(getattr(made.get_submodule(path), "bias", None) is None for path in lacking):
                continue
            missing, unexpected = made.load_state_dict(model.network.state_dict(), strict=False)
            if unexpected or any(not name.endswith(".bias") for name in missing):
                continue
            for name in missing:
                made.get_parameter(name).data.zero_()
            made.generation_config = copy.deepcopy(model.network.generation_config)
            return made.eval().requires_grad_(False), setting
    raise UserError(
        f"{lacking[0]} of {model.id} has no bias, and the kind {model.architecture!r} cannot be given one, so that a "
        "push cannot be folded into it; export the direction as a GGUF control vector instead."
    )


def _edits(network: Any, path: str, one: Made) -> list[Edit]:
    act = one.intervention
    module = network.get_submodule(path)
    weight = module.weight.data.double()
    stored_turned = not isinstance(module, nn.Linear)  # GPT-2's Conv1D keeps (inputs, outputs)
    W = weight.T if stored_turned else weight  # (outputs, inputs)
    v, c = torch.from_numpy(act.vector.copy()).to(W), act.coefficient
    bias = getattr(module, "bias", None)
    hidden = act.site.kind == "hidden"
    if act.operator.name == "add":
        return [Edit(f"{path}.bias", "add: bias += c v", (c * (W @ v) if hidden else c * v))]
    if hidden:
        left, right = -c * (W @ v), v
    else:
        left, right = -c * v, W.T @ v
    if stored_turned:
        left, right = right, left
    found = [Edit(f"{path}.weight", "ablate: W -= s v vᵀ W" if not hidden else "ablate: W -= s (W v) vᵀ", left, right)]
    if bias is not None and not hidden:
        found.append(Edit(f"{path}.bias", "ablate: bias -= s v vᵀ bias", -c * (v @ bias.data.double()) * v))
    return found


def _difference(model: Model, ready: Ready, network: Any) -> float:
    """Largest difference of logits between the folded network and the hooked model, over the largest logit."""
    inputs = batch(model, [ready.ids])
    real = inputs["attention_mask"].bool()
    acts = Acts(model, [ready.interventions], real, real)
    with edit(model, acts.edits(0)), torch.no_grad():
        hooked = forward(model, inputs).logits.float()
    with torch.no_grad():
        folded = network(**inputs, use_cache=False).logits.float()
    return float((hooked - folded).abs().max() / hooked.abs().max())
