"""The family of dictionaries that are no SAE: a new one is a file of its own and a line here."""

from __future__ import annotations

from core.dictionaries.components import Components
from core.dictionaries.linear import Linear
from core.dictionaries.neurons import Neurons
from core.dictionaries.snmf import Snmf

OTHERS: dict[str, type[Linear]] = {coder.kind: coder for coder in (Neurons, Components, Snmf)}
