"""Exports, read by independent readers; what a format cannot hold is refused in a sentence."""

from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.directions import Direction, export
from core.errors import UserError
from tests.house import ROOT
from tests.made_directions import direction

PEERS = ROOT / ".venv-peers" / "bin" / "python"


def as_llama_cpp_reads(path: Path) -> dict[int, np.ndarray]:
    """The rules of `common_control_vector_load_one` in llama.cpp's common/common.cpp, on top of the gguf package.

    The layer is what `std::stoi` makes of the name after the first dot; anything below 1, any type but F32 and any
    shape but one axis of the first tensor's length ends the loading. `data[n_embd * (layer - 1)]` is added after
    block `layer`, counted from 0.
    """
    width, vectors = -1, {}
    for tensor in gguf.GGUFReader(path).tensors:
        stem, dot, number = tensor.name.partition(".")
        digits = re.match(r"\s*[+-]?\d+", number)
        layer = int(digits.group()) if dot and stem == "direction" and digits else -1
        assert layer > 0, f"invalid direction tensor layer index {tensor.name}"
        assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
        assert len([size for size in tensor.shape if size != 1]) == 1
        width = int(tensor.n_elements) if width == -1 else width
        assert tensor.n_elements == width
        vectors[layer] = np.array(tensor.data)
    return vectors


def as_repeng_reads(path: Path) -> tuple[str, dict[int, np.ndarray]]:
    """What `ControlVector.import_gguf` of repeng 0.4 does, step by step; its warnings are failures here."""
    reader = gguf.GGUFReader(path)
    architecture = reader.get_field("general.architecture")
    assert architecture is not None
    assert bytes(architecture.parts[-1]).decode() == "controlvector"
    hint = reader.get_field("controlvector.model_hint")
    assert hint is not None
    vectors = {
        int(tensor.name.split(".")[1]): np.array(tensor.data)
        for tensor in reader.tensors
        if tensor.name.startswith("direction.")
    }
    return bytes(hint.parts[-1]).decode(), vectors


def test_a_control_vector_is_read_by_the_rules_of_others(tmp_path: Path) -> None:
    made = [direction("warm", 2, 0), direction("kind", 7, 1)]
    path = tmp_path / "vector.gguf"
    path.write_bytes(export(made, "gguf", lengths=[1.0, 80.0]))
    for found in (as_llama_cpp_reads(path), as_repeng_reads(path)[1]):
        assert sorted(found) == [2, 7]
        assert found[2].dtype == np.float32
        assert found[2].tobytes() == made[0].vector.tobytes()
        np.testing.assert_array_equal(found[7], made[1].vector * np.float32(80))
    assert as_repeng_reads(path)[0] == "llama"
    count = gguf.GGUFReader(path).get_field("controlvector.layer_count")
    assert count is not None
    assert count.contents() == 2


def unit(seed: int, width: int = 37) -> np.ndarray:
    """Of a width whose bytes have to be filled up."""
    raw = np.random.default_rng(seed).standard_normal(width)
    return (raw / np.linalg.norm(raw)).astype(np.float32)


def test_the_bytes_are_those_of_the_gguf_package(tmp_path: Path) -> None:
    """The same keys and tensors in the same order, written by the package that repeng writes with."""
    made = [direction(name, layer, vector=unit(seed)) for name, layer, seed in (("warm", 2, 0), ("kind", 7, 1))]
    writer = gguf.GGUFWriter(tmp_path / "theirs.gguf", "controlvector")
    writer.add_name("warm, kind")
    writer.add_string("controlvector.model_hint", "llama")
    writer.add_uint32("controlvector.layer_count", 2)
    for one in made:
        writer.add_tensor(f"direction.{one.layer}", one.vector)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert export(made, "gguf") == (tmp_path / "theirs.gguf").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not PEERS.exists(), reason="the environment of peers is not made (`make peers`)")
def test_repeng_itself_imports_it(tmp_path: Path) -> None:
    made = direction("warm", 2)
    (tmp_path / "vector.gguf").write_bytes(export([made], "gguf"))
    code = (
        "import json, sys, warnings, numpy\n"
        "numpy.float_ = numpy.float64\n"  # repeng 0.4 still calls it by its name before numpy 2
        "from repeng import ControlVector\n"
        "warnings.simplefilter('error')\n"
        "v = ControlVector.import_gguf(sys.argv[1])\n"
        "print(json.dumps([v.model_type, {k: d.tolist() for k, d in v.directions.items()}]))\n"
    )
    done = subprocess.run([PEERS, "-c", code, tmp_path / "vector.gguf"], capture_output=True, text=True, check=True)
    hint, vectors = json.loads(done.stdout.splitlines()[-1])
    assert hint == "llama"
    assert list(vectors) == ["2"]
    np.testing.assert_array_equal(np.float32(vectors["2"]), made.vector)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ([direction(layer=0)], "after block 0"),
        ([direction(site="model.layers.2.mlp output")], "--site after"),
        ([direction(site="model.layers.2 input")], "--site after"),
        ([direction(site="model.layers.12 output")], "--site after"),
        ([direction(), direction("kind")], "lie at layer 2"),
        ([direction(), direction("kind", 3, model_fingerprint="0" * 24)], "different models"),
        ([], "at least one"),
    ],
)
def test_what_no_control_vector_can_hold_is_refused(made: list[Direction], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        export(made, "gguf")


def test_other_wrong_exports_are_refused() -> None:
    for wish, sentence in (
        (lambda: export([direction()], "pt"), "no format 'pt'"),
        (lambda: export([direction(), direction("b", 3)], "csv"), "one by one"),
        (lambda: export([direction()], "csv", lengths=[0.0]), "above 0"),
        (lambda: export([direction()], "csv", lengths=[math.nan]), "above 0"),
        (lambda: export([direction()], "gguf", lengths=[math.inf]), "above 0"),
        (lambda: export([direction()], "safetensors", lengths=[2.0]), "unit vectors"),
    ):
        with pytest.raises(UserError, match=sentence):
            wish()
