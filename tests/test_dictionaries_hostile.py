"""Dictionaries whose files are damaged, mislabelled, cut short or meant to harm: one sentence each."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.dictionaries.formats import CONFIG, WEIGHTS, read_files, to_bytes
from core.errors import UserError
from tests.dictionaries import D_IN, D_SAE, packed, small_sae, write


def without(name: str) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in small_sae("topk").tensors().items() if key != name}


def with_one(name: str, value: np.ndarray) -> dict[str, np.ndarray]:
    return {**without(name), name: value}


BROKEN: list[tuple[dict[str, Any], bytes | None, str]] = [
    ({}, packed(without("b_enc")), "has no tensor 'b_enc'"),
    ({}, packed(with_one("threshold", np.zeros(D_SAE))), "has no tensor 'threshold'"),
    ({}, packed(with_one("W_enc", np.zeros((D_SAE, D_IN)))), r"W_enc is \[11, 6\]"),
    ({}, packed(with_one("b_dec", np.full(D_IN, np.nan))), "NaN or infinite"),
    ({}, packed(without("x"))[:-5], "damaged"),
    ({}, b"", "cut short"),
    ({}, struct.pack("<Q", 1 << 62) + b"{}", "cut short"),
    ({}, b"\x80\x04\x95" + bytes(2000), "cut short"),
    ({}, packed(without("x")).replace(b'"F32"', b'"I32"'), "not floating-point"),
    ({"architecture": "jumprelu"}, None, "has no tensor 'threshold'"),
    ({"architecture": "temporal"}, None, "not one of standard"),
    ({"architecture": ["topk"]}, None, "not one of standard"),
    ({"d_sae": 1 << 40}, None, "d_sae"),
    ({"d_sae": -1}, None, "d_sae"),
    ({"d_sae": True}, None, "d_sae"),
    ({"d_sae": "11"}, None, "d_sae"),
    ({"d_sae": 12}, None, "asks for"),
    ({"k": 12}, None, "only 11 features"),
    ({"k": None}, None, "its k is"),
    ({"dtype": "int8"}, None, "dtype"),
    ({"normalize_activations": "magic"}, None, "normalize_activations"),
    ({"apply_b_dec_to_input": 1}, None, "apply_b_dec_to_input"),
    ({"metadata": [], "sae_lens_version": "6.1"}, None, "no JSON object"),
]


@pytest.mark.parametrize(("change", "weights", "sentence"), BROKEN)
def test_what_is_not_sound_is_refused_in_a_sentence(
    change: dict[str, Any], weights: bytes | None, sentence: str, tmp_path: Path
) -> None:
    files = to_bytes(small_sae("topk"), {})
    values = {**json.loads(files[CONFIG]), **change}
    folder = write(
        tmp_path / "x",
        {CONFIG: json.dumps(values).encode(), WEIGHTS: weights if weights is not None else files[WEIGHTS]},
    )
    if not sentence:
        return
    with pytest.raises(UserError, match=sentence) as error:
        read_files(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b" " * (9 << 20), "larger than"),
    ],
)
def test_a_cfg_that_is_not_sound_is_refused(config: bytes, sentence: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {**to_bytes(small_sae("topk"), {}), CONFIG: config})
    with pytest.raises(UserError, match=sentence):
        read_files(folder)


def test_pickles_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        read_files(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no cfg"):
        read_files(write(tmp_path / "x", {}))
    with pytest.raises(UserError, match="is a pickle"):
        read_files(write(tmp_path / "x", {"ae.pt": b"\x80"}))
    with pytest.raises(UserError, match="holds no sae_weights"):
        read_files(write(tmp_path / "x", {CONFIG: to_bytes(small_sae("topk"), {})[CONFIG]}))
    files = to_bytes(small_sae("topk"), {}, torch.zeros(D_SAE + 1))
    with pytest.raises(UserError, match="does not hold one number"):
        read_files(write(tmp_path / "y", files))
