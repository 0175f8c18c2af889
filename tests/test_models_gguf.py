"""A .gguf file opens where it lies, and is the model that the bundled conversion keeps."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.models import Model, batch, list_models, open_model, record, tokenize
from core.models.bundled import weights_file
from core.models.gguf_header import REQUIRED
from tests.tiny import tiny_directory
from tests.tiny_gguf import write_gguf


@pytest.mark.slow
def test_a_gguf_file_opens_and_equals_the_conversion(home: Path, smollm2: Model) -> None:
    path = weights_file("smollm2")
    assert path is not None
    model = open_model(str(path))
    assert model.layout == smollm2.layout
    inputs = batch(model, tokenize(model, ["The film was good."], 32))
    assert torch.equal(inputs["input_ids"], batch(smollm2, tokenize(smollm2, ["The film was good."], 32))["input_ids"])
    assert torch.equal(
        record(model, inputs, [model.site(20)])[model.site(20)],
        record(smollm2, inputs, [smollm2.site(20)])[smollm2.site(20)],
    )
    assert str(path) in {info.id for info in list_models()}


def test_a_tiny_one_is_the_directory_that_it_was_written_from(home: Path, tmp_path: Path) -> None:
    directory = tiny_directory(tmp_path, "llama")
    there, here = open_model(str(directory)), open_model(str(write_gguf(directory, tmp_path / "tiny.gguf")))
    assert here.layout == there.layout
    ids = tokenize(there, ["The film was good."], 32)
    assert tokenize(here, ["The film was good."], 32) == ids
    with torch.no_grad():
        inputs = batch(here, ids)
        assert torch.equal(here.network(**inputs).logits, there.network(**inputs).logits)


@pytest.mark.parametrize("key", ["general.architecture", *(f"llama.{names[0]}" for names in REQUIRED)])
def test_one_that_does_not_say_how_its_network_is_built_is_refused(key: str, home: Path, tmp_path: Path) -> None:
    """With a default for the number of heads every weight would still fit, and every number be wrong."""
    path = write_gguf(tiny_directory(tmp_path, "llama"), tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes().replace(key.encode(), key.replace(".", "/").encode(), 1))
    with pytest.raises(UserError, match="is damaged, so fetch or convert it again"):
        open_model(str(path))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("block_count", 3),
        ("embedding_length", 8256),
        ("feed_forward_length", 2**31 - 1),
        ("attention.key_length", 2**30),
    ],
)
def test_one_whose_header_says_other_sizes_is_refused_before_they_are_built(
    key: str, value: int, home: Path, tmp_path: Path
) -> None:
    """A network of the size that is told may be larger than memory, or lack some of the file's layers."""
    path = write_gguf(tiny_directory(tmp_path, "llama"), tmp_path / "tiny.gguf")
    data = bytearray(path.read_bytes())
    place = data.index(f"llama.{key}".encode()) + len(f"llama.{key}") + 4  # behind its name lies its type, then itself
    data[place : place + 4] = struct.pack("<I", value)
    path.write_bytes(data)
    with pytest.raises(UserError, match=f"as .*{key}, and its weights say"):
        open_model(str(path))
