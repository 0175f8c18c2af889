"""Indexing the bundled dictionary against SAEDashboard 0.8: seconds per feature and peak memory, same tokens for both.

Seconds are the processor's, of one thread, so that whoever else uses the machine does not count.

Each way runs in a fresh process, over the same rows of the same length, on the same weights (exported to a directory
that SAELens opens), after a look whether the two see the same codes. Opening model and dictionary is not counted.

Ours is `build_index` over all features: strongest examples and those of five bands with windows, densities, histograms,
quantiles, most activating, promoted and suppressed tokens, correlated features, nearest features; with checksums, on
disk. Theirs is SAEDashboard's own runner with its defaults (256 features at a time) over as many features as are asked
for: strongest examples and ten bands with windows, histogram, promoted and suppressed tokens with a histogram of all
logits, correlated features and neurons; in memory, no page is written. Its forward passes are shared by 256 features,
so that fewer than 256 would make it look slower than it is. With activations in the store, ours has recorded them
before and theirs has written its cache before; neither is counted, but for its memory. Ours leaves out first tokens and
sinks, as always. What both do once for each feature, whatever the texts, weighs more the fewer tokens there are.

SAEDashboard asks for transformers 4.56 and TransformerLens 2, which computes this model's rotary embedding wrongly. It
is therefore installed with --no-deps and given today's TransformerBridge, on which it runs unchanged, but for one call:
folding decoder norms, which SAELens refuses for TopK, is passed over.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness import Comparison, compare, parser, report, tell
from benchmarks.memory import peak_mb

ROOT = Path(__file__).resolve().parents[2]
NAME, LAYER, FEATURES = "smollm2-14", 14, 256
WAYS = ("ours", "theirs", "ours-stored", "theirs-stored")
HOME = "CONCEPTSCOPE_HOME"
TOLERANCE = 1e-3  # of the largest code; TransformerLens computes attention step by step, which rounds otherwise


def same_length(model: Any, rows: int, length: int) -> list[str]:
    """Texts of at least `length` tokens, of which both read the first `length`."""
    from benchmarks.texts import mixed_texts
    from core.models import tokenize

    texts = mixed_texts(16 * rows)
    long = [text for text, ids in zip(texts, tokenize(model, texts, length), strict=True) if len(ids) == length]
    if len(long) < rows:
        raise AssertionError(f"only {len(long)} of the texts have {length} tokens")
    return long[:rows]


def ours(model: Any, texts: list[str], length: int, *, stored: bool) -> tuple[float, int]:
    """Seconds of the processor for an index of all features, and their number."""
    import numpy as np

    from core.activations import record_texts
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index import Indexed, Settings, build_index

    dictionary = fitted(open_dictionary(NAME), model)
    _ = dictionary.key
    places = [(0, row, 0, len(text)) for row, text in enumerate(texts)]
    indexed = Indexed("file", ("rows",), np.array(places, dtype=np.int32), texts, {})
    settings, store = Settings(max_length=length), None
    if stored:
        (store,) = record_texts(model, texts, [model.site(LAYER)], pool="none", max_length=length)
    start = time.process_time()
    build_index(model, dictionary, indexed, settings, store=store)
    return time.process_time() - start, dictionary.coder.n_features


def theirs(model: Any, texts: list[str], length: int, features: int, *, stored: bool) -> tuple[float, int]:
    """Seconds for `features` features, and their number."""
    from sae_dashboard.sae_vis_data import SaeVisConfig
    from sae_dashboard.sae_vis_runner import SaeVisRunner
    from sae_lens import SAE
    from transformer_lens.model_bridge import TransformerBridge

    from core.dictionaries import open_dictionary
    from core.dictionaries.library import export_dictionary
    from core.models import tokenize

    ids = torch.tensor(tokenize(model, texts, length))
    path = model.network.config._name_or_path
    bridge: Any = TransformerBridge.boot_transformers(
        path, hf_model=model.network, tokenizer=model.tokenizer, device="cpu"
    )
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as directory:
        export_dictionary(open_dictionary(NAME), Path(directory) / "sae")
        sae: Any = SAE.load_from_disk(Path(directory) / "sae")
        sae.fold_W_dec_norm = lambda: None
        check(model, bridge, sae, ids[:4])
        chosen = torch.randperm(sae.cfg.d_sae, generator=torch.Generator().manual_seed(0))[:features].tolist()
        cache = Path(directory) / "cache" if stored else None
        config = SaeVisConfig(hook_point=f"blocks.{LAYER}.hook_out", features=chosen, cache_dir=cache)
        if stored:
            SaeVisRunner(SaeVisConfig(config.hook_point, chosen[:1], cache_dir=cache)).run(sae, bridge, ids)
        start = time.process_time()
        found = SaeVisRunner(config).run(sae, bridge, ids)
        seconds = time.process_time() - start
    if len(found.feature_data_dict) != features:
        raise AssertionError(f"{len(found.feature_data_dict)} features came back, not {features}")
    return seconds, features


@torch.no_grad()
def check(model: Any, bridge: Any, sae: Any, ids: Tensor) -> None:
    """Raise AssertionError unless both see the same codes at all tokens but first ones, whose size is another's."""
    from core.dictionaries import open_dictionary
    from core.models import record

    site, name = model.site(LAYER), f"blocks.{LAYER}.hook_out"
    own = record(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, [site])[site]
    _, cache = bridge.run_with_cache(ids, names_filter=name, stop_at_layer=LAYER + 1, return_type=None)
    ours, theirs = open_dictionary(NAME).coder.encode(own)[:, 1:], sae.encode(cache[name])[:, 1:]
    apart = float((ours - theirs).abs().max() / ours.abs().max())
    if apart > TOLERANCE:
        raise AssertionError(f"the codes differ by {apart:.1e} of the largest")


def one(way: str, rows: int, length: int, features: int) -> dict[str, float]:
    """What runs in the fresh process."""
    from core.models import open_model

    model = open_model("smollm2", device="cpu")
    texts, stored = same_length(model, rows, length), way.endswith("stored")
    if way.startswith("ours"):
        seconds, count = ours(model, texts, length, stored=stored)
    else:
        seconds, count = theirs(model, texts, length, features, stored=stored)
    return {"seconds": seconds, "features": count, "peak_mb": peak_mb()}


def in_fresh_process(home: Path, way: str, rows: int, length: int, features: int) -> dict[str, float]:
    """`one`, in a workspace that holds the model and nothing else."""
    for name in ("indexes", "activations"):
        shutil.rmtree(home / name, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.peers.dashboard", "--way", way]
    command += ["--rows", str(rows), "--length", str(length), "--features", str(features)]
    environment = {**os.environ, HOME: str(home), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    environment["OMP_NUM_THREADS"] = "1"
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, env=environment).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    each = 1000 * found["seconds"] / found["features"]
    tell(f"{way}: {found['seconds']:.1f} s, {each:.1f} ms a feature, peak {found['peak_mb']:,.0f} MB")
    return found


def measure(rounds: int, rows: int, length: int, features: int) -> list[Comparison]:
    """Features per second of both, forward passes included and not, and the peak memory of both."""
    from core import workspace
    from core.models.bundled import directory_of

    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as directory:
        made, home = directory_of("smollm2"), Path(directory)
        shutil.copytree(made, home / made.relative_to(workspace.home()))
        for number in range(rounds):
            for way in WAYS if number % 2 == 0 else reversed(WAYS):
                found[way].append(in_fresh_process(home, way, rows, length, features))
    rates = {way: [one["features"] / one["seconds"] for one in runs] for way, runs in found.items()}
    peaks = {way: [one["peak_mb"] for one in runs] for way, runs in found.items()}
    return [
        compare("sae-dashboard-with-forward", "features/s", rates["ours"], rates["theirs"]),
        compare("sae-dashboard-from-store", "features/s", rates["ours-stored"], rates["theirs-stored"]),
        compare("sae-dashboard-memory", "MB", peaks["ours"], peaks["theirs"]),
        compare("sae-dashboard-memory-from-store", "MB", peaks["ours-stored"], peaks["theirs-stored"]),
    ]


def main() -> None:
    options = parser(__doc__ or "", rounds=2)
    options.add_argument("--rows", type=int, default=512, help="texts that both read (default 512)")
    options.add_argument("--length", type=int, default=128, help="tokens of each (default 128)")
    options.add_argument("--features", type=int, default=FEATURES, help=f"that SAEDashboard does (default {FEATURES})")
    options.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.way:
        print(json.dumps(one(chosen.way, chosen.rows, chosen.length, chosen.features)))
    else:
        report(measure(chosen.rounds, chosen.rows, chosen.length, chosen.features), chosen.json)


if __name__ == "__main__":
    main()
