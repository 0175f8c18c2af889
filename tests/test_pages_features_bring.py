"""Dictionaries of others come in through the Features page: a sound one as far as its first card, and hostile ones."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.dictionaries import list_dictionaries, open_dictionary
from core.models import open_model
from tests.dictionaries import packed, write
from tests.pages import forget, open_alone, save_colours, texts_of
from tests.tiny import WIDTH, tiny_directory

pytestmark = pytest.mark.slow  # the commands run as a visitor's would: each opens torch and the model anew
FEATURES, LAYER = 20, 1
LABELS = {
    "0": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "1": "\u202egnihton\u202c **bold** [go](javascript:alert(3))",
    "2": "x" * 10_000_000,
    "3": {"not": "text"},
    "99": "a feature that there is not",
}


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def directory(home_with_model: Path, tmp_path: Path) -> str:
    """A model that was opened before, as a visitor's who has a dictionary for it."""
    made = str(tiny_directory(tmp_path, "llama"))
    open_model(made)
    return made


def theirs(
    folder: Path, model: str, *, width: int = WIDTH, cut: int = 0, files: dict[str, bytes] | None = None
) -> Path:
    """A directory as SAELens writes it, without a line of ours: a standard autoencoder of random weights."""
    chance = np.random.default_rng(0)
    config: dict[str, Any] = {
        **{"d_in": width, "d_sae": FEATURES, "dtype": "float32", "device": "cpu", "architecture": "standard"},
        **{"apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none"},
        "metadata": {
            **{"sae_lens_version": "6.54.12", "sae_lens_training_version": "6.54.12", "model_name": model},
            **{"hook_name": f"blocks.{LAYER}.hook_resid_post", "context_size": 64, "prepend_bos": False},
        },
    }
    shapes = {"W_enc": (width, FEATURES), "W_dec": (FEATURES, width), "b_enc": (FEATURES,), "b_dec": (width,)}
    weights = packed({name: chance.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})
    return write(
        folder,
        {
            "cfg.json": json.dumps(config).encode(),
            "sae_weights.safetensors": weights[: len(weights) - cut],
            **(files or {}),
        },
    )


def opened(directory: str, **query: str) -> AppTest:
    app = open_alone("features", **{"model": directory, "layer": str(LAYER), **query})
    assert not app.exception
    return app


def bring(directory: str, path: Path) -> jobs.Job:
    """What a visitor does: type the path under Bring one, and start."""
    app, before = opened(directory), {job.id for job in jobs.jobs()}
    next(box for box in app.main.text_input if box.key == "bring_path").set_value(str(path)).run()
    [button for button in app.main.button if button.label == "Start"][-1].click()
    app.run()
    assert not app.exception
    (job,) = (one for one in jobs.jobs() if one.id not in before)
    assert job.arguments[:3] == ("sae", "import", str(path))
    return job


def ended(job: jobs.Job) -> jobs.Job:
    deadline = time.monotonic() + 300
    while job.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
        job = jobs.get(job.id)
    return job


def test_a_directory_is_brought_in_indexed_and_looked_at(directory: str, tmp_path: Path) -> None:
    folder = theirs(tmp_path / "theirs", directory, files={"labels.json": json.dumps(LABELS).encode()})
    weights = np.random.default_rng(0).standard_normal((WIDTH, FEATURES)).astype(np.float32)
    job = ended(bring(directory, folder))
    assert (job.state, job.error) == ("done", None)
    brought = open_dictionary("theirs")
    np.testing.assert_array_equal(brought.coder.tensors()["W_enc"].numpy(), weights)
    assert brought.card.layer == LAYER
    save_colours("colours", rows=8)
    app = opened(directory, dictionary="theirs", concept="colours")
    assert "has no index yet" in texts_of(app)
    next(box for box in app.main.selectbox if box.label == "Texts").set_value("own").run()
    next(button for button in app.main.button if button.label == "Index").click()
    app.run()
    job = next(one for one in jobs.jobs() if one.arguments[:2] == ("sae", "index"))
    assert ended(job).state == "done"
    app = opened(directory, dictionary="theirs", feature="0", sort="feature")
    labels = app.dataframe[0].value.set_index("feature")["label"]
    assert labels[0] == LABELS["0"]  # a cell of a table holds text, whatever it looks like
    assert labels[1].startswith("⟨U+202E⟩gnihton")
    assert labels[2] == "x" * 500
    assert len(labels) == FEATURES
    header = next(one.value for one in app.header if one.value.startswith("0 "))
    assert "<script" not in header.replace("\\<", "")
    assert json.loads(app.get("bidi_component")[0].proto.json)["tokens"]  # the card's examples
    head = next(one.value for one in opened(directory, dictionary="theirs", feature="1").header)
    assert "\u202e" not in head
    assert "](javascript" not in head


def test_hostile_directories_are_refused_in_a_sentence(home_with_model: Path, directory: str, tmp_path: Path) -> None:
    pickle = write(tmp_path / "pickle", {"ae.pt": b"\x80\x04\x95"})
    cases = {
        "is damaged": theirs(tmp_path / "cut", directory, cut=100),
        f"{WIDTH}": theirs(tmp_path / "wide", directory, width=WIDTH + 1),
        "is a pickle": pickle,
        "is not JSON": theirs(tmp_path / "config", directory, files={"cfg.json": b"[" * 100_000}),
    }
    started = {sentence: bring(directory, folder) for sentence, folder in cases.items()}
    for sentence, job in started.items():
        job = ended(job)
        assert job.state == "failed"
        assert job.error is not None
        assert sentence in job.error
        assert "\n" not in job.error.strip()
        assert "Traceback" not in job.error
    assert [one.name for one in list_dictionaries() if one.folder and home_with_model in one.folder.parents] == []
    app = opened(directory)
    next(box for box in app.main.text_input if box.key == "bring_path").set_value(str(pickle)).run()
    assert any("is a pickle" in one.value for one in app.error)
