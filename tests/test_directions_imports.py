"""Imports: round trips, vectors of others, and hostile files refused in a sentence."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from core.directions import Place, control_vectors, export, import_directions
from core.directions.control_vectors import ControlVector
from core.errors import UserError
from core.models import Model
from tests.made_directions import direction
from tests.tiny import WIDTH


def test_our_own_file_comes_back_whole() -> None:
    made = direction()
    (back,) = import_directions(export([made], "safetensors"), name="again", file="x.safetensors")
    assert back.to_json() == made.to_json() | {"name": "again"}
    assert back.vector.tobytes() == made.vector.tobytes()


@pytest.mark.parametrize("format", ["gguf", "csv"])
def test_a_bare_vector_comes_back_where_it_is_said_to_belong(tiny: Model, format: str) -> None:
    made = direction()
    data = export([made], format, lengths=[80.0])
    (back,) = import_directions(data, name="again", file=f"x.{format}", place=Place(tiny, 2))
    np.testing.assert_allclose(back.vector, made.vector, rtol=2e-7)
    assert back.raw_norm == pytest.approx(80, rel=1e-6)
    assert (back.model_fingerprint, back.site, back.layer) == (tiny.fingerprint, "model.layers.2 output", 2)
    assert back.method == "imported"
    assert back.provenance["file"]["format"] == format
    assert back.auroc is None


def test_a_control_vector_of_many_layers_gives_one_direction_for_each(tiny: Model) -> None:
    data = export([direction("a", 1, 1), direction("b", 3, 3)], "gguf")
    found = import_directions(data, name="x", file="x.gguf", place=Place(tiny))
    assert [(one.name, one.layer) for one in found] == [("x-L1", 1), ("x-L3", 3)]
    (only,) = import_directions(data, name="x", file="x.gguf", place=Place(tiny, 3))
    assert (only.name, only.layer) == ("x", 3)
    with pytest.raises(UserError, match="no vector for layer 2; it has some for 1, 3"):
        import_directions(data, name="x", file="x.gguf", place=Place(tiny, 2))
    with pytest.raises(UserError, match="no layer 9"):
        import_directions(export([direction("a", 9)], "gguf"), name="x", file="x.gguf", place=Place(tiny))
    with pytest.raises(UserError, match="does not say which model"):
        import_directions(data, name="x", file="x.gguf")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(WIDTH,), (1, WIDTH), (1, WIDTH, 1)])
def test_a_vector_alone_in_safetensors(tiny: Model, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    values = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0)).to(dtype)
    data = safetensors.torch.save({"steering": values.reshape(shape)})
    (made,) = import_directions(data, name="x", file="x.safetensors", place=Place(tiny, 1, "mlp"))
    expected = values.double().numpy()
    np.testing.assert_allclose(made.vector, expected / np.linalg.norm(expected), atol=1e-7)
    assert made.site == "model.layers.1.mlp output"


@pytest.mark.parametrize("layout", ["column", "row", "heading", "semicolons", "ours", "bom"])
def test_a_vector_alone_in_csv(tiny: Model, layout: str) -> None:
    values = np.random.default_rng(0).standard_normal(WIDTH)
    numbers = [f"{value!r}" for value in values.tolist()]
    text = {
        "column": "\n".join(numbers),
        "row": ",".join(numbers) + "\n",
        "heading": "value\r\n" + "\r\n".join(numbers),
        "semicolons": ";".join(numbers),
        "ours": "dimension,value\n" + "\n".join(f"{i},{number}" for i, number in enumerate(numbers)) + "\n\n",
        "bom": "\ufeff" + "\n".join(numbers),
    }[layout]
    (made,) = import_directions(text.encode(), name="x", file="x.csv", place=Place(tiny, 1))
    np.testing.assert_allclose(made.vector, values / np.linalg.norm(values), atol=1e-7)
    assert made.raw_norm == pytest.approx(np.linalg.norm(values), rel=1e-12)


def a_control_vector(**changes: bytes) -> bytes:
    """A sound file in parts, some of them replaced."""
    parts = {
        "magic": b"GGUF",
        "version": struct.pack("<I", 3),
        "tensors": struct.pack("<Q", 1),
        "keys": struct.pack("<Q", 1),
        "key": _text("general.architecture") + struct.pack("<I", 8) + _text("controlvector"),
        "info": _text("direction.2") + struct.pack("<IQIQ", 1, WIDTH, 0, 0),
    } | changes
    head = b"".join(parts[name] for name in ("magic", "version", "tensors", "keys", "key", "info"))
    return head + bytes(-len(head) % 32) + parts.get("data", np.ones(WIDTH, "<f4").tobytes())


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _info(name: str = "direction.2", axes: int = 1, width: int = WIDTH, kind: int = 0, offset: int = 0) -> bytes:
    return _text(name) + struct.pack("<IQIQ", axes, width, kind, offset)


HUGE = 2**63
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "spaces": (lambda: b" \n", "is empty"),
    "a pickle": (lambda: b"\x80\x04\x95" + b"x" * 50, "a pickle"),
    "torch.save": (lambda: b"PK\x03\x04" + b"x" * 50, "zip archive"),
    "gzip": (lambda: b"\x1f\x8b" + b"x" * 50, "gzip"),
    "too large": (lambda: b"1\n" * (33 << 20), "larger than 64 MB"),
    "binary": (lambda: bytes(range(255, 0, -1)), "nor UTF-8 text"),
    "prose": (lambda: b"Dear reader,\nthis is no vector.", "is no number|no column of numbers"),
    "a formula": (lambda: b"=cmd()\n1\n2\n=cmd()", "is no number"),
    "heading alone": (lambda: b"value\n", "holds no numbers"),
    "two columns out of order": (lambda: b"0,1\n2,1\n1,1", "does not count"),
    "three columns": (lambda: b"0,1,2\n1,1,2\n2,1,2", "no column of numbers"),
    "nan in text": (lambda: b"1\nnan\n2", "is no number"),
    "infinite in text": (lambda: b"1\n1e999\n2", "is no number"),
    "underscores": (lambda: b"1\n1_0\n2", "is no number"),
    "millions of cells": (lambda: b"," * (40 << 20), "more than 1,048,576 numbers"),
    "zeros": (lambda: b"0\n" * WIDTH, "no direction"),
    "too short": (lambda: b"1\n2\n3", f"3 numbers, and .* has the width {WIDTH}"),
    "safetensors cut": (lambda: safetensors.numpy.save({"a": np.ones(WIDTH, np.float32)})[:-4], "no safetensors"),
    "safetensors of two": (
        lambda: safetensors.numpy.save({"a": np.ones(WIDTH, np.float32), "b": np.ones(3, np.float32)}),
        "2 tensors",
    ),
    "safetensors of integers": (lambda: safetensors.numpy.save({"a": np.ones(WIDTH, np.int64)}), "I64"),
    "safetensors matrix": (lambda: safetensors.numpy.save({"a": np.ones((2, WIDTH), np.float32)}), "not one vector"),
    "safetensors NaN": (lambda: safetensors.numpy.save({"a": np.full(WIDTH, np.nan, np.float32)}), "NaN"),
    "safetensors deep": (
        lambda: (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
        "no safetensors",
    ),
    "safetensors of no header": (lambda: (1 << 40).to_bytes(8, "little") + b"{}", "no safetensors"),
    "ours spoilt": (
        lambda: safetensors.numpy.save({"vector": np.ones(WIDTH, np.float32)}, metadata={"conceptscope": "{}"}),
        "not of the format",
    ),
    "GGUF alone": (lambda: b"GGUF", "ends before"),
    "GGUF cut": (lambda: a_control_vector()[:-1], "ends before"),
    "GGUF of version 1": (lambda: a_control_vector(version=struct.pack("<I", 1)), "version is 1"),
    "GGUF big-endian": (lambda: a_control_vector(version=struct.pack(">I", 3)), "version is"),
    "GGUF of many tensors": (lambda: a_control_vector(tensors=struct.pack("<Q", HUGE)), "claims"),
    "GGUF of many keys": (lambda: a_control_vector(keys=struct.pack("<Q", HUGE)), "claims"),
    "GGUF endless text": (lambda: a_control_vector(key=struct.pack("<Q", HUGE) + b"x" * 99), "ends before"),
    "GGUF endless array": (
        lambda: a_control_vector(key=_text("x") + struct.pack("<IIQ", 9, 0, HUGE)),
        "ends before",
    ),
    "GGUF endless texts": (
        lambda: a_control_vector(key=_text("x") + struct.pack("<IIQ", 9, 8, HUGE)),
        "ends before",
    ),
    "GGUF arrays of arrays": (
        lambda: a_control_vector(key=_text("x") + struct.pack("<IIQ", 9, 9, 1)),
        "array of the type 9",
    ),
    "GGUF unknown value": (lambda: a_control_vector(key=_text("x") + struct.pack("<I", 77)), "unknown type 77"),
    "GGUF model": (
        lambda: a_control_vector(key=_text("general.architecture") + struct.pack("<I", 8) + _text("llama")),
        "architecture 'llama'",
    ),
    "GGUF alignment": (
        lambda: a_control_vector(
            keys=struct.pack("<Q", 2),
            key=_text("general.architecture")
            + struct.pack("<I", 8)
            + _text("controlvector")
            + _text("general.alignment")
            + struct.pack("<II", 4, 0),
        ),
        "alignment",
    ),
    "GGUF other tensor": (lambda: a_control_vector(info=_info("token_embd.weight")), "no direction.<layer>"),
    "GGUF layer below 0": (lambda: a_control_vector(info=_info("direction.-1")), "no direction.<layer>"),
    "GGUF matrix": (lambda: a_control_vector(info=_info(axes=2)), "2 axes"),
    "GGUF quantised": (lambda: a_control_vector(info=_info(kind=2)), "type 2"),
    "GGUF wide": (lambda: a_control_vector(info=_info(width=HUGE)), "ends before"),
    "GGUF far off": (lambda: a_control_vector(info=_info(offset=HUGE)), "ends before"),
    "GGUF no numbers": (lambda: a_control_vector(info=_info(width=0)), "no numbers"),
    "GGUF twice": (
        lambda: a_control_vector(tensors=struct.pack("<Q", 2), info=_info() + _info()),
        "two vectors for layer 2",
    ),
    "GGUF of two widths": (
        lambda: a_control_vector(tensors=struct.pack("<Q", 2), info=_info() + _info("direction.3", width=8)),
        "different widths",
    ),
    "GGUF of none": (lambda: a_control_vector(tensors=struct.pack("<Q", 0), info=b""), "holds no direction"),
    "GGUF NaN": (lambda: a_control_vector(data=np.full(WIDTH, np.nan, "<f4").tobytes()), "NaN"),
    "GGUF zeros": (lambda: a_control_vector(data=bytes(4 * WIDTH)), "length is 0"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence(case: str, tiny: Model) -> None:
    data, sentence = HOSTILE[case]
    with pytest.raises(UserError, match=sentence) as refusal:
        import_directions(data(), name="x", file="x.bin", place=Place(tiny, 2))
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_the_hostile_control_vectors_are_refused_for_their_fault_alone(tiny: Model) -> None:
    (made,) = import_directions(a_control_vector(), name="x", file="x.gguf", place=Place(tiny, 2))
    np.testing.assert_allclose(made.vector, np.full(WIDTH, WIDTH**-0.5), rtol=1e-6)
    half = a_control_vector(info=_info(kind=1), data=np.ones(WIDTH, "<f2").tobytes())
    assert control_vectors.read(half).vectors[2].tolist() == [1.0] * WIDTH


def test_every_cut_of_a_sound_file_is_refused() -> None:
    whole = control_vectors.write(ControlVector("llama", {1: np.ones(8, np.float32)}), title="x")
    padding = 0
    for size in range(len(whole)):
        try:
            control_vectors.read(whole[:size])
        except ValueError:
            continue
        padding += 1
    assert padding == 0


def test_a_file_of_ours_must_fit_the_place_that_is_given(tiny: Model) -> None:
    data = export([direction()], "safetensors")
    with pytest.raises(UserError, match="was made for tiny"):
        import_directions(data, name="x", file="x", place=Place(tiny, 2))
    fitting = export([direction(model_fingerprint=tiny.fingerprint)], "safetensors")
    with pytest.raises(UserError, match="belongs to layer 2, not to 1"):
        import_directions(fitting, name="x", file="x", place=Place(tiny, 1))
    assert import_directions(fitting, name="x", file="x", place=Place(tiny, 2))[0].layer == 2
    with pytest.raises(UserError, match="no kind of site"):
        import_directions(b"1\n" * WIDTH, name="x", file="x", place=Place(tiny, 2, "middle"))
    with pytest.raises(UserError, match="name the model and the layer"):
        import_directions(b"1\n" * WIDTH, name="x", file="x", place=Place(tiny))
