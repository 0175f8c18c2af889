"""Dictionaries of every architecture, written by SAELens and opened here, and the other way round.

Codes and reconstructions of random activations have to agree within 1e-5 of the largest value, in both directions, for
each architecture, scaling and way of saving; what trains there and is saved as its inference form is saved by SAELens'
own code. Run where sae-lens 6.54 is installed (`make peers` makes that environment).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from core.dictionaries.formats import read_files, to_bytes

TOLERANCE = 1e-5
D_IN, D_SAE, D_OUT, K, N = 48, 160, 40, 12, 200

PLAIN = ("standard", "topk", "abstopk", "jumprelu", "gated")
TRANSCODERS = ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
TRAINED = ("standard", "topk", "batchtopk", "matryoshka_batchtopk", "jumprelu", "gated")


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Architectures with the settings of their configs that change the numbers."""
    for name in PLAIN:
        for scaling in ("none", "layer_norm", "constant_norm_rescale", "expected_average_only_in"):
            yield name, {"normalize_activations": scaling}
        yield name, {"apply_b_dec_to_input": False}
    for name in ("topk", "abstopk"):
        yield name, {"rescale_acts_by_decoder_norm": True}
    for name in TRANSCODERS:
        yield name, {"apply_b_dec_to_input": False, "d_out": D_OUT}
        yield name, {"apply_b_dec_to_input": False, "d_out": D_OUT, "normalize_activations": "layer_norm"}


def theirs(name: str, more: dict[str, Any]) -> Any:
    """A SAELens dictionary with random weights."""
    from sae_lens.registry import get_sae_class

    cls, config = get_sae_class(name)
    values: dict[str, Any] = {"d_in": D_IN, "d_sae": D_SAE, **more}
    if "topk" in name:
        values["k"] = K
    sae = cls(config(**values))
    return randomised(sae)


def randomised(sae: Any) -> Any:
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in sae.named_parameters():
            value.copy_(torch.randn(value.shape, generator=chance) / (1 if value.dim() == 1 else 6))
            if key == "threshold":
                value.abs_()
    return sae


def trained(name: str) -> Any:
    """A SAELens dictionary in training, to be saved as its inference form."""
    from sae_lens.registry import get_sae_training_class

    cls, config = get_sae_training_class(name)
    values: dict[str, Any] = {"d_in": D_IN, "d_sae": D_SAE}
    if "topk" in name:
        values["k"] = K
    if name.startswith("matryoshka"):
        values["matryoshka_widths"] = [D_SAE // 4, D_SAE]
    sae = randomised(cls(config(**values)))
    if hasattr(sae, "topk_threshold"):
        sae.topk_threshold.fill_(0.7)
    return sae


def away(sae: Any, coder: Any, x: torch.Tensor) -> float:
    """The largest difference of codes and reconstructions, relative to the largest value."""
    with torch.no_grad():
        codes, rebuilt = sae.encode(x), sae(x)
    ours = coder.encode(x)
    gaps = [(codes - ours).abs().max() / codes.abs().max()]
    gaps += [(rebuilt - coder.decode(ours, x)).abs().max() / rebuilt.abs().max()]
    if not float(codes.abs().max()) > 0:
        raise AssertionError("no code is on; this comparison would mean nothing")
    return max(float(gap) for gap in gaps)


def there_and_back(sae: Any, save: str, directory: Path, x: torch.Tensor) -> tuple[float, float]:
    """How far our reading of its directory is from it, and how far its reading of ours is from ours."""
    from sae_lens import SAE

    here, back = directory / "theirs", directory / "ours"
    getattr(sae, save)(here)
    coder = read_files(here).coder
    same = SAE.load_from_disk(here)
    files = to_bytes(coder, {"own_key": [1, 2]})
    back.mkdir()
    for name, data in files.items():
        (back / name).write_bytes(data)
    again = SAE.load_from_disk(back)
    if again.cfg.metadata.own_key != [1, 2]:
        raise AssertionError("our own keys are lost")
    want, got = ({k: v for k, v in c.to_dict().items() if k != "metadata"} for c in (same.cfg, again.cfg))
    if want != got:
        raise AssertionError(f"the config came back as {got}, not {want}")
    if save == "save_model" and (here / "sae_weights.safetensors").read_bytes() != files["sae_weights.safetensors"]:
        raise AssertionError("our weights file differs from theirs in its bytes")
    return away(same, coder, x), away(again, coder, x)


def compare() -> list[dict[str, Any]]:
    warnings.filterwarnings("ignore")
    x = torch.randn(N, D_IN, generator=torch.Generator().manual_seed(1)) * 3
    cases = [(name, more, theirs(name, more), "save_model") for name, more in settings()]
    cases += [(name, {"saved": "inference form"}, trained(name), "save_inference_model") for name in TRAINED]
    found = []
    for name, more, sae, save in cases:
        with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as directory:
            read, written = there_and_back(sae, save, Path(directory), x)
        found.append({"architecture": name, **more, "read": read, "written": written})
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = options.parse_args().json
    found = compare()
    worst = max(max(one["read"], one["written"]) for one in found)
    result = {"name": "saelens-roundtrip", "cases": len(found), "worst": worst, "limit": TOLERANCE, "results": found}
    if as_json:
        print(json.dumps(result))
    else:
        for one in found:
            print(f"{', '.join(f'{k} {v:.1e}' if isinstance(v, float) else f'{v}' for k, v in one.items())}")
        print(f"{len(found)} dictionaries, largest difference {worst:.1e} (limit {TOLERANCE:.0e})")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
