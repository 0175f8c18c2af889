"""What a SAELens `cfg.json` says, checked: which architecture, which widths, which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.dictionaries.sae.scaling import KNOWN as SCALINGS

# The version of SAELens whose format this is. Files have to name one of 6 or above, or their metadata is dropped there.
FORMAT_VERSION = "6.54.12"
DTYPES = ("float32", "float64", "float16", "bfloat16")
LARGEST = 1 << 24  # features, and widths: what no real dictionary reaches and a hostile file may claim

_PLAIN = {"W_enc": ("d_in", "d_sae"), "W_dec": ("d_sae", "d_out"), "b_dec": ("d_out",)}
_BIASED = {**_PLAIN, "b_enc": ("d_sae",)}
_JUMP = {"threshold": ("d_sae",)}
_SKIP = {"W_skip": ("d_out", "d_in")}


@dataclass(frozen=True)
class Architecture:
    """A line of the table of architectures.

    tensors: their names in files, with the names of their axes. activation: a function of `sae/codes.py`. settings:
    keys of `cfg.json` beyond those that all have. foreign: ours alone, which SAELens does not open.
    """

    tensors: Mapping[str, tuple[str, ...]]
    activation: str = "relu"
    settings: tuple[str, ...] = ()
    transcoder: bool = False
    foreign: bool = False


_K = ("k", "rescale_acts_by_decoder_norm")

ARCHITECTURES: dict[str, Architecture] = {
    "standard": Architecture(_BIASED),
    "topk": Architecture(_BIASED, "topk", _K),
    "abstopk": Architecture(_BIASED, "abstopk", _K),
    "jumprelu": Architecture({**_BIASED, **_JUMP}, "jumprelu"),
    "gated": Architecture(
        {**_PLAIN, **dict.fromkeys(("b_gate", "b_mag", "r_mag"), ("d_sae",))},
        "gated",
    ),
    "transcoder": Architecture(_BIASED, settings=("d_out",), transcoder=True),
    "skip_transcoder": Architecture({**_BIASED, **_SKIP}, settings=("d_out",), transcoder=True),
    "jumprelu_transcoder": Architecture({**_BIASED, **_JUMP}, "jumprelu", ("d_out",), transcoder=True),
    "jumprelu_skip_transcoder": Architecture({**_BIASED, **_JUMP, **_SKIP}, "jumprelu", ("d_out",), transcoder=True),
    "topafa": Architecture(_BIASED, "topafa", foreign=True),
}


class Unfit(ValueError):
    """What is wrong with a dictionary's files, in a few words that go on from its name."""


@dataclass(frozen=True)
class Config:
    """A checked `cfg.json`.

    k: of topk and abstopk, else 0. rescale: pre-activations times the lengths of the decoder's rows before selection,
    codes divided by them before decoding. dtype: the precision to compute in. metadata: plain JSON, kept as it came.
    """

    architecture: str
    d_in: int
    d_sae: int
    d_out: int
    apply_b_dec_to_input: bool = True
    scaling: str = "none"
    reshape: str = "none"
    k: int = 0
    rescale: bool = False
    dtype: str = "float32"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> Architecture:
        return ARCHITECTURES[self.architecture]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape that each tensor must have."""
        return {name: tuple(getattr(self, axis) for axis in axes) for name, axes in self.table.tensors.items()}

    def to_json(self) -> dict[str, Any]:
        """The keys of `cfg.json`, in the order in which SAELens writes them."""
        values: dict[str, Any] = {
            "d_in": self.d_in,
            "d_sae": self.d_sae,
            "dtype": self.dtype,
            "device": "cpu",
            "apply_b_dec_to_input": self.apply_b_dec_to_input,
            "normalize_activations": self.scaling,
            "reshape_activations": self.reshape,
            "metadata": {
                "sae_lens_version": FORMAT_VERSION,
                "sae_lens_training_version": None,
                **self.metadata,
            },
        }
        own = {"k": self.k, "rescale_acts_by_decoder_norm": self.rescale, "d_out": self.d_out}
        values |= {key: own[key] for key in self.table.settings}
        return {**values, "architecture": self.architecture}


def read_config(values: Mapping[str, Any]) -> Config:
    """The Config that a `cfg.json` of today's form means. Raises Unfit, naming the key, for anything out of order."""
    architecture = values.get("architecture")
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        raise Unfit(f"its architecture {str(architecture)[:40]!r} is not one of {', '.join(ARCHITECTURES)}")
    table = ARCHITECTURES[architecture]
    d_in, d_sae = (_whole(values, key) for key in ("d_in", "d_sae"))
    dtype = str(values.get("dtype", "")).removeprefix("torch.")
    metadata = values.get("metadata", {})
    if not isinstance(metadata, dict):
        raise Unfit("its metadata is no JSON object")
    selects = "k" in table.settings
    config = Config(
        architecture=architecture,
        d_in=d_in,
        d_sae=d_sae,
        d_out=_whole(values, "d_out") if table.transcoder else d_in,
        apply_b_dec_to_input=_choice(values, "apply_b_dec_to_input", (True, False), not table.transcoder),
        scaling=_choice(values, "normalize_activations", SCALINGS, "none"),
        reshape=_choice(values, "reshape_activations", ("none", "hook_z"), "none"),
        k=_whole(values, "k") if selects else 0,
        rescale=selects and _choice(values, "rescale_acts_by_decoder_norm", (True, False), False),
        dtype=_choice({"dtype": dtype}, "dtype", DTYPES, "float32"),
        metadata=metadata,
    )
    if config.k > d_sae:
        raise Unfit(f"it keeps k = {config.k} of only {d_sae} features")
    if table.transcoder and config.apply_b_dec_to_input:
        raise Unfit("it is a transcoder that subtracts its output's bias from its input (apply_b_dec_to_input)")
    return config


def _whole(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        raise Unfit(f"its {key} is {str(value)[:40]!r}, not a whole number from 1 to {LARGEST}")
    return value


def _choice(values: Mapping[str, Any], key: str, choices: tuple[Any, ...], default: Any) -> Any:
    value = values.get(key, default)
    if value not in choices or isinstance(value, bool) != isinstance(choices[0], bool):
        raise Unfit(f"its {key} is {str(value)[:40]!r}, not one of {', '.join(map(str, choices))}")
    return value
