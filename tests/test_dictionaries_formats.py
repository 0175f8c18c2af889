"""The SAELens directory: its bytes by hand, what older versions wrote, and files that are damaged or worse."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.dictionaries.card import Card
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.formats import CONFIG, SPARSITY, WEIGHTS, read_files, to_bytes
from core.dictionaries.formats.beside import Beside, read_beside
from core.dictionaries.library import (
    delete_dictionary,
    export_dictionary,
    labels_of,
    list_dictionaries,
    open_dictionary,
    save_dictionary,
)
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import ARCHITECTURES
from core.errors import UserError
from core.models import Model
from tests.dictionaries import D_IN, D_OUT, D_SAE, SAELENS, K, packed, small_sae, tokens, unpacked, write

# What sae-lens 6.54.12 writes for each architecture, as found by letting it: keys in their order, tensors by name.
KEYS = [
    *("d_in", "d_sae", "dtype", "device", "apply_b_dec_to_input"),
    *("normalize_activations", "reshape_activations", "metadata"),
]
MORE = {name: ["k", "rescale_acts_by_decoder_norm"] for name in ("topk", "abstopk")}
MORE |= {name: ["d_out"] for name in SAELENS if "transcoder" in name}
SHAPES: dict[str, dict[str, list[int]]] = {
    "standard": {"W_dec": [D_SAE, D_IN], "W_enc": [D_IN, D_SAE], "b_dec": [D_IN], "b_enc": [D_SAE]},
    "gated": {
        **{"W_dec": [D_SAE, D_IN], "W_enc": [D_IN, D_SAE], "b_dec": [D_IN]},
        **{"b_gate": [D_SAE], "b_mag": [D_SAE], "r_mag": [D_SAE]},
    },
    "transcoder": {"W_dec": [D_SAE, D_OUT], "W_enc": [D_IN, D_SAE], "b_dec": [D_OUT], "b_enc": [D_SAE]},
}
SHAPES["topk"] = SHAPES["abstopk"] = SHAPES["standard"]
SHAPES["jumprelu"] = {**SHAPES["standard"], "threshold": [D_SAE]}
SHAPES["skip_transcoder"] = {**SHAPES["transcoder"], "W_skip": [D_OUT, D_IN]}
SHAPES["jumprelu_transcoder"] = {**SHAPES["transcoder"], "threshold": [D_SAE]}
SHAPES["jumprelu_skip_transcoder"] = {**SHAPES["skip_transcoder"], "threshold": [D_SAE]}


def dictionary(architecture: str = "topk", **more: Any) -> Dictionary:
    sae = small_sae(architecture, **more)
    return Dictionary("small", sae, Card(), metadata=sae.cfg.metadata)


@pytest.mark.parametrize("architecture", SAELENS)
def test_files_are_byte_for_byte_what_the_format_says(architecture: str) -> None:
    sae = small_sae(architecture)
    files = to_bytes(sae, {}, sparsity=torch.full((D_SAE,), -2.0))
    assert list(files) == [WEIGHTS, SPARSITY, CONFIG]
    values = json.loads(files[CONFIG])
    assert list(values) == [*KEYS, *MORE.get(architecture, []), "architecture"]
    assert files[CONFIG] == json.dumps(values).encode()
    assert values["architecture"] == architecture
    assert (values["dtype"], values["normalize_activations"], values["reshape_activations"]) == (
        "float32",
        "none",
        "none",
    )
    assert values["apply_b_dec_to_input"] is ("transcoder" not in architecture)
    assert int(values["metadata"]["sae_lens_version"].split(".")[0]) >= 6
    assert values.get("k") == (K if "topk" in architecture else None)
    assert values.get("d_out") == (D_OUT if "transcoder" in architecture else None)
    found = unpacked(files[WEIGHTS])
    assert {name: list(array.shape) for name, array in found.items()} == SHAPES[architecture]
    for name, array in found.items():
        np.testing.assert_array_equal(array, sae.tensors()[name].numpy())
    np.testing.assert_array_equal(unpacked(files[SPARSITY])["sparsity"], np.full(D_SAE, -2, np.float32))


@pytest.mark.parametrize("architecture", SAELENS)
def test_a_directory_written_by_hand_opens(architecture: str, tmp_path: Path) -> None:
    sae = small_sae(architecture)
    metadata = {"sae_lens_version": "6.54.12", "model_name": "m", "own_key": {"a": [1]}}
    values: dict[str, Any] = {
        **{"d_in": D_IN, "d_sae": D_SAE, "dtype": "float32", "device": "cuda"},
        **{"apply_b_dec_to_input": "transcoder" not in architecture, "normalize_activations": "none"},
        **{"reshape_activations": "none", "metadata": metadata, "architecture": architecture},
        **dict.fromkeys(MORE.get(architecture, [])),
    }
    values |= {
        key: {"k": K, "rescale_acts_by_decoder_norm": False, "d_out": D_OUT}[key] for key in MORE.get(architecture, [])
    }
    tensors = {name: sae.tensors()[name].numpy() for name in SHAPES[architecture]}
    folder = write(tmp_path / "x", {CONFIG: json.dumps(values).encode(), WEIGHTS: packed(tensors)})
    found = read_files(folder)
    x = tokens()
    assert torch.equal(found.coder.encode(x), sae.encode(x))
    assert torch.equal(found.coder.reconstruct(x), sae.reconstruct(x))
    assert found.metadata["own_key"] == {"a": [1]}
    assert json.loads(to_bytes(found.coder, {})[CONFIG])["metadata"]["own_key"] == {"a": [1]}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_saved_is_opened_the_same(architecture: str, home: Path) -> None:
    before = dictionary(architecture)
    saved = save_dictionary(before.replaced(sparsity=torch.linspace(-5, -1, D_SAE)), "mine")
    x = tokens()
    assert torch.equal(saved.coder.encode(x), before.coder.encode(x))
    assert torch.equal(saved.coder.reconstruct(x), before.coder.reconstruct(x))
    assert saved.sparsity is not None
    assert saved.key == before.key
    assert [one.name for one in list_dictionaries() if one.folder and one.folder.is_relative_to(home)] == ["mine"]


def test_sixteen_bits_on_disk_are_computed_in_thirty_two(home: Path) -> None:
    before = dictionary()
    saved = save_dictionary(before, "half", store=torch.float16)
    assert saved.coder.W_dec.dtype == torch.float32
    assert torch.equal(saved.coder.W_dec, before.coder.W_dec.half().float())
    numbers = sum(tensor.numel() for tensor in before.coder.tensors().values())
    header = struct.unpack("<Q", (home / "dictionaries" / "half" / WEIGHTS).read_bytes()[:8])[0]
    assert (home / "dictionaries" / "half" / WEIGHTS).stat().st_size == 8 + header + 2 * numbers
    assert json.loads((home / "dictionaries" / "half" / CONFIG).read_bytes())["dtype"] == "float32"


def test_a_name_is_not_taken_twice_unless_asked(home: Path) -> None:
    save_dictionary(dictionary(), "mine")
    with pytest.raises(UserError, match="already"):
        save_dictionary(dictionary(), "mine")
    other = save_dictionary(dictionary("gated"), "mine", replace=True)
    assert other.coder.kind == "gated"
    assert sorted(path.name for path in (home / "dictionaries").iterdir()) == ["mine"]
    delete_dictionary("mine")
    with pytest.raises(UserError, match="no dictionary"):
        open_dictionary("mine")
    with pytest.raises(UserError, match="cannot be a name"):
        save_dictionary(dictionary(), "../mine")


def test_what_was_opened_stays_as_it_was(home: Path, tmp_path: Path) -> None:
    """Weights of the workspace are left in their file, which nobody writes into; those of others are copied."""
    saved = save_dictionary(dictionary(), "mine")
    export_dictionary(saved, tmp_path / "theirs")
    theirs = open_dictionary(str(tmp_path / "theirs"))
    before = {name: tensor.clone() for name, tensor in saved.coder.tensors().items()}
    save_dictionary(dictionary("gated"), "mine", replace=True)
    delete_dictionary("mine")
    path = tmp_path / "theirs" / WEIGHTS
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(path.stat().st_size // 2))
    for opened in (saved, theirs):
        for name, tensor in opened.coder.tensors().items():
            assert torch.equal(tensor, before[name]), (opened.name, name)


def test_a_replacement_that_was_cut_short_loses_nothing(home: Path) -> None:
    save_dictionary(dictionary(), "mine")
    (home / "dictionaries" / "mine").rename(home / "dictionaries" / ".mine.old")
    assert "mine" in [one.name for one in list_dictionaries()]


def test_older_files_open_in_todays_words(tmp_path: Path) -> None:
    sae = small_sae("standard")
    values = {
        **{"d_in": D_IN, "d_sae": D_SAE, "dtype": "torch.float32", "model_name": "gpt2-small", "use_ghost_grads": True},
        **{"hook_point": "blocks.8.hook_resid_pre", "hook_point_head_index": None, "normalize_activations": False},
        **{"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 4}, "lp_norm": 1},
    }
    tensors = {name: tensor.numpy() for name, tensor in sae.tensors().items()}
    ones = {"scaling_factor": np.ones(D_SAE, np.float32)}
    folder = write(tmp_path / "old", {CONFIG: json.dumps(values).encode(), WEIGHTS: packed({**tensors, **ones})})
    found = read_files(folder)
    assert found.coder.kind == "topk"
    assert int((found.coder.encode(tokens()) > 0).sum(1).max()) <= 4
    assert found.metadata["hook_name"] == "blocks.8.hook_resid_pre"
    tuned = {"scaling_factor": np.full(D_SAE, 2, np.float32)}
    write(folder, {WEIGHTS: packed({**tensors, **tuned})})
    with pytest.raises(UserError, match="fine-tuned"):
        read_files(folder)


def test_what_came_along_is_kept_as_text(home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", to_bytes(small_sae("topk"), {}))
    evil = "<script>alert(1)</script>\u202e" + "x" * 10_000_000
    labels = {"0": evil, "3": "dogs", "7": "", "99": "beyond", "-1": "no", "1e3": "no", "4": 5}
    (folder / "labels.json").write_text(json.dumps(labels))
    (folder / "metrics.json").write_text('{"metrics": {"ce_loss_score": 0.97, "explained_variance": NaN, "l0": 31.5}}')
    found = read_beside(folder)
    assert found.figures == {"ce_recovered": 0.97, "l0": 31.5}
    assert sorted(found.labels) == [0, 3, 99]
    assert len(found.labels[0]) == 500
    saved = save_dictionary(open_dictionary(str(folder)), "mine", beside=found)
    assert dict(saved.published) == found.figures
    assert sorted(labels_of(saved)) == [0, 3]
    lines = '{"index": 2, "description": "cats"}\nnot json\n{"index": "3", "description": "wolves"}\n'
    (folder / "explanations.jsonl").write_text(lines)
    assert read_beside(folder).labels[2] == "cats"
    assert read_beside(folder).labels[3] == "dogs"
    assert Beside().to_bytes() == {}


def test_export_is_for_new_directories_and_known_architectures(
    home: Path, tmp_path: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = export_dictionary(dictionary("gated"), tmp_path / "out")
    assert [path.name for path in written] == [WEIGHTS, CONFIG]
    assert read_files(tmp_path / "out").coder.kind == "gated"
    with pytest.raises(UserError, match="not empty"):
        export_dictionary(dictionary("gated"), tmp_path / "out")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export_dictionary(dictionary("gated"), Path())
    assert read_files(tmp_path / "here").coder.kind == "gated"
    assert {path.name for path in Path().iterdir()} == {WEIGHTS, CONFIG}  # it is still the current one
    neurons, read, out = neurons_of(tiny, 0)
    with pytest.raises(UserError, match="no architecture for neurons"):
        export_dictionary(Dictionary("n", neurons, Card(reads=read, rebuilds=out)), tmp_path / "n")
    saved = save_dictionary(Dictionary("n", neurons, Card(reads=read, rebuilds=out)), "n")
    assert saved.card.reads == read
    x = tokens(5, neurons.d_in)
    assert torch.equal(saved.coder.reconstruct(x), neurons.reconstruct(x))
