"""A model that was opened once is known without loading it, by the same names, until a file of it changes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from core import workspace
from core.activations import Pool
from core.activations.recipe import make_recipe
from core.errors import UserError
from core.models import AnyModel, KnownModel, NotOpened, known_model, open_model, opened
from core.models.fingerprint import fingerprint
from core.models.remembered import remembered
from core.models.shelf import remember
from core.models.source import Source
from tests.tiny import tiny_directory


@pytest.fixture
def directory(home: Path, tmp_path: Path) -> Path:
    return tiny_directory(tmp_path, "llama")


def recipe_key(model: AnyModel, pool: Pool = "mean") -> str:
    site = model.site(1)
    return make_recipe(model, site, ["a"], pool=pool, all_positions=False, max_length=64, corpus="c").key


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_known_names_results_as_the_open_model_does(directory: Path, dtype: str) -> None:
    model = open_model(str(directory), dtype=dtype)
    known = known_model(str(directory), dtype=dtype)
    assert known is not None
    assert (known.id, known.fingerprint, known.n_layers, known.width) == (
        model.id,
        model.fingerprint,
        model.n_layers,
        model.width,
    )
    assert [known.site(layer) for layer in range(known.n_layers)] == [model.site(n) for n in range(model.n_layers)]
    pools: tuple[Pool, ...] = ("mean", "last", "none")
    for pool in pools:
        assert recipe_key(known, pool) == recipe_key(model, pool)
    assert opened(model) is model


def test_it_is_told_without_torch(directory: Path) -> None:
    model = open_model(str(directory))
    code = f"""if True:
        import sys
        from core.models import known_model
        known = known_model({str(directory)!r}, device="cpu")
        print(known.fingerprint, *{{"torch", "transformers", "sklearn"}} & set(sys.modules))
    """
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [model.fingerprint]


def test_what_was_never_opened_or_has_changed_is_not_known(directory: Path) -> None:
    assert known_model(str(directory)) is None
    open_model(str(directory))
    assert known_model(str(directory)) is not None
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-4}))
    assert known_model(str(directory)) is None
    assert known_model("somebody/else") is None
    assert known_model("smollm2") is None  # not converted in this workspace, and not converted by asking
    assert known_model("no\0path") is None


def test_an_adapter_is_known_by_its_own_fingerprint(directory: Path, tmp_path: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(directory)
    torch.manual_seed(0)
    adapted = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    assert known_model(str(tmp_path / "adapter")) is None
    model = open_model(str(tmp_path / "adapter"))
    known = known_model(str(tmp_path / "adapter"))
    assert known is not None
    assert known.fingerprint == model.fingerprint != open_model(str(directory)).fingerprint


def test_blocks_that_were_named_by_hand_do_not_stand_for_those_that_are_found(directory: Path) -> None:
    open_model(str(directory), blocks="model.layers")
    assert known_model(str(directory)) is None


def test_layers_that_are_not_there_and_work_it_cannot_do_are_sentences(directory: Path) -> None:
    open_model(str(directory))
    known = known_model(str(directory))
    assert isinstance(known, KnownModel)
    with pytest.raises(UserError, match="has no layer 99"):
        known.site(99)
    with pytest.raises(NotOpened, match="has to be opened"):
        known.site(0, "mlp")
    with pytest.raises(NotOpened, match="not open"):
        opened(known)
    with pytest.raises(UserError, match="no device"):
        known_model(str(directory), device="cuda:99")


def test_a_damaged_note_is_no_knowledge(directory: Path) -> None:
    model = open_model(str(directory))
    workspace.write_bytes(workspace.place("models", "layouts", f"{model.fingerprint}.json"), b"{")
    assert known_model(str(directory)) is None


def test_models_that_are_opened_at_once_are_all_remembered(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = workspace.write_json

    def slowly(path: Path, value: object) -> None:
        time.sleep(0.05)
        write(path, value)

    monkeypatch.setattr(workspace, "write_json", slowly)
    sources = []
    for number in range(6):
        folder = tmp_path / f"model{number}"
        folder.mkdir()
        (folder / "config.json").write_text(f'{{"number": {number}}}')
        sources.append(Source(str(folder), "local", folder))

    def opened_once(source: Source) -> None:
        fingerprint(source)
        remember(source, 2, 3)

    threads = [threading.Thread(target=opened_once, args=(source,)) for source in sources]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one["id"] for one in remembered()} == {source.id for source in sources}
    assert len(workspace.read_json(home / "models" / "hashes.json")) == len(sources)
