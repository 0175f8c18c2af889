"""What a model takes is told before it is loaded, and is what it then takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GPTNeoXConfig, OPTConfig

from core.errors import UserError
from core.models import Model, needs_of, open_image_model, open_model
from core.models import needs as module
from core.models.needs import require_room
from core.models.source import find_source
from tests.tiny import tiny_directory
from tests.tiny_images import tiny_image_directory

# Opens a model, reads some texts, and says how large the process became.
OPENED = r"""
import re, sys
from core.models import batch, open_model, record, tokenize
model = open_model(sys.argv[1], device="cpu", dtype=sys.argv[2])
inputs = batch(model, tokenize(model, ["The film was good, and we went home late."] * 16, 64))
record(model, inputs, [model.site(model.n_layers - 1)])
# Not getrusage, which counts what the parent had before this program took its place.
print(int(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read()).group(1)) * 1024)
"""


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gpt_neox", "opt"])
def test_the_count_is_that_of_the_opened_network(kind: str, home: Path, tmp_path: Path) -> None:
    directory = tiny_directory(tmp_path, kind)
    network = open_model(str(directory), device="cpu", dtype="bfloat16").network
    needs = needs_of(str(directory), device="cpu", dtype="bfloat16")
    assert needs.parameters == sum(one.numel() for one in network.parameters())
    assert needs.weights >= 2 * needs.parameters
    assert needs.fits


def test_the_bundled_model_is_known_by_its_config(home_with_model: Path, smollm2: Model) -> None:
    needs = needs_of("smollm2", device="cpu")
    assert needs.parameters == sum(one.numel() for one in smollm2.network.parameters())
    assert needs.dtype == "float32"


def test_one_that_does_not_fit_is_refused_unloaded_and_told_what_would(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = str(tiny_directory(tmp_path, "llama"))
    whole = needs_of(directory, device="cpu", dtype="float32").needed
    half = needs_of(directory, device="cpu", dtype="bfloat16").needed
    assert half < whole
    monkeypatch.setattr("core.models.open._load", lambda *_: pytest.fail("it was loaded"))
    monkeypatch.setattr(module, "_free", lambda _: (half + whole) // 2)
    with pytest.raises(UserError, match=r"needs about .* in float32, .* in bfloat16 it needs .*--dtype bfloat16"):
        open_model(directory, device="cpu")
    monkeypatch.setattr(module, "_free", lambda _: half - 1)
    with pytest.raises(UserError, match="no precision makes it fit"):
        open_model(directory, device="cpu")
    assert not needs_of(directory, device="cpu").fits


def test_memory_is_asked_too_on_the_way_to_a_gpu(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_source(str(tiny_directory(tmp_path, "llama")))  # whose weights are stored in float32
    half = needs_of(source.id, device="cpu", dtype="bfloat16").weights
    free = {"cpu": module.PROGRAM + half - 1, "cuda": 10**12}
    monkeypatch.setattr(module, "_free", lambda device: free[device.type])
    gpu = torch.device("cuda")
    with pytest.raises(UserError, match=r"of memory while it is opened, .* stored in, or .*, or --device spread"):
        require_room(source, gpu, torch.bfloat16)
    require_room(source, gpu, torch.float32)  # mapped from the file, it goes straight there
    require_room(source, gpu, torch.bfloat16, "int8")
    free["cpu"] += 1
    require_room(source, gpu, torch.bfloat16)


def test_a_model_of_images_that_does_not_fit_is_refused_unloaded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = str(tiny_image_directory(tmp_path, "vit"))
    needs = needs_of(directory, device="cpu")
    assert needs.parameters == sum(one.numel() for one in open_image_model(directory).network.parameters())
    monkeypatch.setattr("core.models.open_image._loaded", lambda *_: pytest.fail("it was loaded"))
    assert "int8" not in needs.smaller
    monkeypatch.setattr(module, "_free", lambda _: needs.needed - 1)
    with pytest.raises(UserError, match=r"needs about .* in float32, and .* are free on this machine; in .*float16"):
        open_image_model(directory, device="cpu")
    monkeypatch.setattr(module, "_free", lambda _: 10)
    with pytest.raises(UserError, match=r"no precision makes it fit, so choose a smaller model\."):
        open_image_model(directory, device="cpu")


def test_what_cannot_be_opened_says_why_and_not_how_large(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tiny_directory(tmp_path, "llama")
    config = directory / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "unheard-of"}))
    monkeypatch.setattr(module, "_free", lambda _: 0)
    with pytest.raises(UserError, match="cannot be opened as a causal language model"):
        open_model(str(directory))
    with pytest.raises(UserError, match="cannot be sized"):
        needs_of(str(directory))


def test_a_limit_of_the_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("memory.max", "5000"),
        ("memory.current", "3000"),
        ("memory.stat", "anon 9\ninactive_file 700"),
    ):
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(module, "CGROUP", tmp_path)
    assert module._free(torch.device("cpu")) == 2700
    (tmp_path / "memory.max").write_text("max\n")
    assert module._free(torch.device("cpu")) > 10**8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "stored", "opened"),
    [
        (None, "float32", "float32"),
        (None, "float32", "bfloat16"),
        (OPTConfig(hidden_size=1024, num_hidden_layers=12, ffn_dim=4096, num_attention_heads=16), "float16", "float16"),
        (
            GPTNeoXConfig(hidden_size=1024, num_hidden_layers=16, intermediate_size=4096, num_attention_heads=16),
            "bfloat16",
            "float32",
        ),
    ],
)
def test_the_peak_is_within_a_fifth(
    config: object, stored: str, opened: str, home_with_model: Path, tmp_path: Path
) -> None:
    spec = "smollm2"
    if config is not None:
        directory = tiny_directory(tmp_path, "llama")  # for its tokenizer
        (directory / "model.safetensors").unlink()
        network = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, stored))
        network.save_pretrained(directory, max_shard_size="300MB")
        spec = str(directory)
        del network
    told = needs_of(spec, device="cpu", dtype=opened)
    run = subprocess.run([sys.executable, "-c", OPENED, spec, opened], capture_output=True, text=True, check=True)
    assert told.peak == pytest.approx(json.loads(run.stdout), rel=0.2)
