"""A large dictionary and its index are left where they lie: what opening looks through does not stay in memory."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from core.dictionaries.card import Card
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.formats import WEIGHTS, tensors
from core.dictionaries.index import Index, build_index, files
from core.dictionaries.index.inplace import left_in
from core.dictionaries.library import SUMS, open_dictionary, save_dictionary
from core.dictionaries.sae import Config, Sae
from core.errors import UserError
from core.models import Model
from core.models.checksums import digest_of
from tests.dictionaries import small_sae, unpacked
from tests.test_dictionaries_index import SMALL, TEXTS, bound, indexed, topk

FEW = 300_000  # bytes: the header, and what the kernel reads around it


def in_memory(path: Path) -> int:
    """Bytes of a file that are in this process's memory because it lies in its address space."""
    smaps = Path("/proc/self/smaps")
    if not smaps.exists():
        pytest.skip("this kernel does not tell")
    found, own = 0, False
    for line in smaps.read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            own = line.endswith(str(path))
        elif own and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


def large(width: int = 256, features: int = 16384) -> Dictionary:
    chance = torch.Generator().manual_seed(0)
    config = Config("topk", width, features, width, k=4, apply_b_dec_to_input=True)
    shapes = {name: torch.randn(shape, generator=chance) for name, shape in config.shapes().items()}
    return Dictionary("large", Sae(config, shapes), Card())


def test_weights_are_not_in_memory_until_they_are_used(home: Path) -> None:
    before = large()
    saved = save_dictionary(before, "large")
    file = home / "dictionaries" / "large" / WEIGHTS
    assert saved.key == before.key
    size = file.stat().st_size
    # The kernel may bring in megabytes around whatever is touched, as the beginning of each tensor is.
    assert in_memory(file) < size / 4
    assert torch.equal(saved.coder.W_dec, before.coder.W_dec)
    assert in_memory(file) > size / 3  # so that the above means something


def test_the_key_is_that_of_the_numbers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "BLOCK", 64)  # all tensors but the biases take several
    for store in (None, torch.float16):
        saved = save_dictionary(Dictionary("x", small_sae("gated"), Card()), f"mine-{store is None}", store=store)
        assert bool(saved.digest) == (store is None)  # sixteen bits are made thirty-two, and lie in no file
        sha = hashlib.sha256()
        for name, tensor in sorted(saved.coder.tensors().items()):
            sha.update(name.encode() + tensor.numpy().tobytes())
        assert digest_of(saved.coder.tensors()) == sha.hexdigest()
        assert saved.digest in ("", sha.hexdigest())
        assert saved.key == saved.replaced(digest="").key
    other = saved.replaced(coder=small_sae("gated", seed=1))
    assert other.digest == ""
    assert other.key != saved.key


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_number_that_is_none_is_found_in_any_block(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(tensors, "BLOCK", 64)
    save_dictionary(Dictionary("x", small_sae("topk"), Card()), "mine")
    file = home / "dictionaries" / "mine" / WEIGHTS
    data = file.read_bytes()
    last = unpacked(data)["W_enc"].ravel()[-1].tobytes()
    assert data.count(last) == 1
    file.write_bytes(data.replace(last, np.float32(value).tobytes()))
    (file.parent / SUMS).unlink()  # as it comes from somebody else
    with pytest.raises(UserError, match="W_enc holds NaN or infinite"):
        open_dictionary("mine")


def test_an_index_is_left_in_its_files(tiny: Model, home: Path) -> None:
    folder = build_index(tiny, bound(tiny, topk()), indexed(TEXTS[:8]), SMALL)
    index, manifest = Index(folder), files.read_manifest(folder)
    assert manifest is not None
    for name in ("columns", "weights"):
        for key, array in files.load(folder, manifest, name).items():
            own = index.columns[key]
            np.testing.assert_array_equal(own, array)
            assert own.dtype == array.dtype
            with pytest.raises(ValueError, match="read-only"):
                own.reshape(-1)[:1] = 0


def test_what_was_looked_through_is_let_go(tmp_path: Path) -> None:
    import safetensors.numpy

    path, values = tmp_path / "x.safetensors", np.arange(2_000_000, dtype=np.uint32).reshape(1000, 2000)
    path.write_bytes(safetensors.numpy.save({"x": values, "none": np.zeros((0, 3), np.float16)}))
    left = left_in(path)
    assert left.arrays["none"].shape == (0, 3)
    assert int(left.arrays["x"].max()) == 1_999_999
    assert in_memory(path) > 7_000_000
    left.rest()
    assert in_memory(path) < FEW
    path.unlink()
    np.testing.assert_array_equal(left.arrays["x"], values)
