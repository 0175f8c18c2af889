"""A page whose model's files change while the server has it open goes on with the model as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from transformers import AutoModelForCausalLM, AutoModelForImageClassification

from core.models.known import contents
from pages.shared import cached, cached_tcav
from tests.pages import forget
from tests.tiny import tiny_directory
from tests.tiny_images import tiny_image_directory


@pytest.fixture(autouse=True)
def emptied(home: Path) -> Iterator[None]:
    forget()
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def directory(home: Path, tmp_path: Path) -> Path:
    return tiny_directory(tmp_path, "llama")


def tune(directory: Path, kind: type = AutoModelForCausalLM) -> None:
    """Save other weights into the same directory, as a training does."""
    network = kind.from_pretrained(directory)  # type: ignore[attr-defined]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter + 0.01)
    network.save_pretrained(directory.parent / "tuned")
    (directory.parent / "tuned" / "model.safetensors").replace(directory / "model.safetensors")


def test_an_open_model_is_opened_anew_when_its_files_have_changed(directory: Path) -> None:
    before = cached.model(str(directory))
    assert cached.model(str(directory)) is before
    assert cached.known(str(directory)).fingerprint == before.fingerprint
    tune(directory)
    assert cached.known(str(directory)).fingerprint != before.fingerprint
    after = cached.model(str(directory))
    assert after is not before
    assert after.fingerprint == cached.known(str(directory)).fingerprint
    assert cached.model(str(directory)) is after


def test_so_is_one_of_images(home: Path, tmp_path: Path) -> None:
    directory = tiny_image_directory(tmp_path, "resnet")
    before = cached_tcav.model(str(directory), "image")
    assert cached_tcav.model(str(directory), "image") is before
    tune(directory, AutoModelForImageClassification)
    assert cached_tcav.model(str(directory), "image").fingerprint != before.fingerprint


def test_a_model_is_closed_on_all_hardware(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, opened = str(directory), []
    for dtype in ("float32", "bfloat16"):
        monkeypatch.setattr(cached, "chosen_hardware", lambda dtype=dtype: ("cpu", dtype))
        opened.append(cached.model(spec))
    cached.close_model(spec)
    for dtype, old in zip(("float32", "bfloat16"), opened, strict=True):
        monkeypatch.setattr(cached, "chosen_hardware", lambda dtype=dtype: ("cpu", dtype))
        assert cached.model(spec) is not old


def test_what_files_hold_is_told_without_a_hub(home: Path, tmp_path: Path) -> None:
    assert contents("somebody/else") == contents("no\0path") == contents("~nobody/x/y") == ""
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}')
    (adapter / "adapter_model.safetensors").write_bytes(b"a")
    before = contents(str(adapter))
    (adapter / "adapter_model.safetensors").write_bytes(b"bb")
    assert contents(str(adapter)) not in ("", before)
