"""The MLP's own neurons, each with the vector that it writes: the dictionary that a model has without training."""

from __future__ import annotations

from torch import Tensor, nn

from core.dictionaries.linear import Linear
from core.errors import UserError
from core.models import Model, Site


class Neurons(Linear):
    """Codes are the hidden activations as they are; decoding them is the down projection, so nothing is lost.

    Reads the input of the down projection (..., d_mlp), rebuilds its output (..., width). A row of W_dec is what Geva
    et al. 2022 ("Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary Space") call
    the neuron's value vector. Gated MLPs have codes of either sign.
    """

    kind = "neurons"
    signed = True
    names = {"W_dec": ("d_sae", "d_out"), "b_dec": ("d_out",)}  # noqa: RUF012

    def _width_in(self) -> int:
        return self.n_features

    def encode(self, x: Tensor) -> Tensor:
        return x

    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        return codes @ self.W_dec + self._tensors["b_dec"]


def neurons_of(model: Model, layer: int) -> tuple[Neurons, Site, Site]:
    """The neurons of one layer, where they are read, and where they write."""
    read = model.site(layer, "hidden")
    weight, bias = down_projection(model, layer)
    written = Site(layer, "mlp", read.module, "output")
    return Neurons({"W_dec": weight, "b_dec": bias}), read, written


def down_projection(model: Model, layer: int) -> tuple[Tensor, Tensor]:
    """Its matrix (d_mlp, width) and bias (width,), float32 on the CPU.

    Raises UserError where the layer has none, or one whose weights are packed (quantised).
    """
    model.check_plain_weights("A dictionary of neurons")
    module = model.network.get_submodule(model.site(layer, "hidden").module)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2 or not weight.is_floating_point():
        raise UserError(
            f"The down projection of layer {layer} of {model.id} holds no plain matrix; open the model unquantised."
        )
    # GPT-2's Conv1D keeps (inputs, outputs), everybody else (outputs, inputs).
    matrix = (weight.T if isinstance(module, nn.Linear) else weight).detach().float().cpu()
    if matrix.shape[1] != model.width:
        matrix = matrix.T
    bias = getattr(module, "bias", None)
    return matrix.contiguous(), matrix.new_zeros(matrix.shape[1]) if bias is None else bias.detach().float().cpu()
