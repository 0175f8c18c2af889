"""The directory that SAELens writes and reads: `cfg.json`, `sae_weights.safetensors`, maybe `sparsity.safetensors`.

Checked against sae-lens 6.54.12, in both directions, by `benchmarks/peers/saelens_roundtrip.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from core.dictionaries.coder import Coder
from core.dictionaries.formats.legacy import is_legacy, modernised
from core.dictionaries.formats.tensors import Shapes, Stored, read_tensors
from core.dictionaries.other import OTHERS
from core.dictionaries.sae.config import Unfit, read_config
from core.dictionaries.sae.sae import Sae, check_shapes
from core.errors import UserError

CONFIG, WEIGHTS, SPARSITY = "cfg.json", "sae_weights.safetensors", "sparsity.safetensors"
LARGEST_CONFIG = 8 << 20  # bytes
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib")


@dataclass(frozen=True, eq=False)
class Files:
    """A directory that was read.

    coder: in float32, or float64 where the file asks for that. sparsity: (n_features,) log10 of the share of tokens on
    which each feature fires, as it came with the dictionary, or None. digest: of the coder's tensors (`digest_of`),
    where it came with reading them, else ''.
    """

    folder: Path
    coder: Coder
    metadata: dict[str, Any]
    sparsity: Tensor | None
    digest: str = ""


def read_files(folder: Path, *, mapped: bool = False) -> Files:
    """Read a dictionary's directory. Raises UserError, in one sentence, for anything that is not a sound dictionary.

    mapped: see `read_tensors`.
    """
    try:
        values = _read_config(folder)
        coder, digest = _read_coder(folder, values, mapped)
        sparsity = _read_sparsity(folder, coder.n_features)
    except Unfit as error:
        raise UserError(f"The dictionary {folder.name[:80]!r} cannot be opened: {error}.") from None
    except OSError as error:
        raise UserError(f"The dictionary {folder.name[:80]!r} cannot be read: {error.strerror}.") from None
    return Files(folder, coder, coder.config().get("metadata", {}), sparsity, digest)


def to_bytes(
    coder: Coder, metadata: dict[str, Any], sparsity: Tensor | None = None, store: torch.dtype | None = None
) -> dict[str, bytes]:
    """The files of a dictionary, by name, byte for byte as SAELens would write them.

    metadata: for `cfg.json`, over what the coder's config holds. store: the precision of the weights on disk (None: as
    they are); the precision to compute in stands in `cfg.json` and is not changed by it.
    """
    config = coder.config()
    config["metadata"] = {**config.get("metadata", {}), **metadata}
    text = json.dumps(config, allow_nan=False)
    files = {WEIGHTS: _packed({name: tensor.to(store) for name, tensor in coder.tensors().items()})}
    if sparsity is not None:
        files[SPARSITY] = _packed({"sparsity": sparsity})
    # Last: whoever finds a cfg.json finds the rest.
    return {**files, CONFIG: text.encode()}


def _packed(tensors: dict[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not folder.is_dir():
        raise Unfit("there is no such directory")
    if not path.is_file():
        raise Unfit(_nothing_found(folder))
    if path.stat().st_size > LARGEST_CONFIG:
        raise Unfit(f"its {CONFIG} is larger than {LARGEST_CONFIG >> 20} MB")
    try:
        # NaN and infinities are no JSON, but Python writes them among published figures: they say "not known".
        values = json.loads(path.read_bytes(), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise Unfit(f"its {CONFIG} is not JSON") from None
    if not isinstance(values, dict):
        raise Unfit(f"its {CONFIG} is no JSON object")
    return modernised(values) if is_legacy(values) and values.get("architecture") not in OTHERS else values


def _nothing_found(folder: Path) -> str:
    if pickles := sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLES):
        return f"{pickles[0][:60]!r} is a pickle, which could run code; ask for a safetensors version"
    return f"it holds no {CONFIG}"


def _read_coder(folder: Path, values: dict[str, Any], mapped: bool) -> tuple[Coder, str]:
    """The coder, and the digest of its tensors if it came with reading them."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise Unfit(f"it holds no {WEIGHTS}")
    if (other := OTHERS.get(str(values.get("architecture")))) is not None:
        read: list[Stored] = []

        def load(check: Callable[[Shapes], None]) -> dict[str, Tensor]:
            read.append(read_tensors(path, check, mapped=mapped))
            return read[0].tensors

        return _with_digest(other.from_files(values, load), read[0])
    config = read_config(values)
    wide = torch.float64 if config.dtype == "float64" else torch.float32

    def check(shapes: Shapes) -> None:
        # For a while SAELens saved a factor for fine-tuning along, all ones if it was not used.
        own = {name: shape for name, shape in shapes.items() if name != "scaling_factor"}
        check_shapes(config, own)

    stored = read_tensors(path, check, wide, mapped=mapped)
    own = dict(stored.tensors)
    factor = own.pop("scaling_factor", None)
    if factor is not None and not torch.allclose(factor, torch.ones_like(factor)):
        raise Unfit("it was fine-tuned with a scaling factor, which today's format has no place for")
    return _with_digest(Sae(config, own), stored)


def _with_digest(coder: Coder, stored: Stored) -> tuple[Coder, str]:
    """The digest is the coder's only if it took all of the tensors, and as they were."""
    own = coder.tensors()
    same = set(own) == set(stored.tensors) and all(own[name] is tensor for name, tensor in stored.tensors.items())
    return coder, stored.digest if same else ""


def _read_sparsity(folder: Path, n_features: int) -> Tensor | None:
    path = folder / SPARSITY
    if not path.is_file():
        return None

    def check(shapes: Shapes) -> None:
        if dict(shapes) != {"sparsity": (n_features,)}:
            raise Unfit(f"its {SPARSITY} does not hold one number for each of its {n_features} features")

    return read_tensors(path, check).tensors["sparsity"]
