"""Device and precision are shown, can be chosen, and reach the model and the jobs; recordings start from a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core import jobs
from core.models import open_model
from tests.pages import forget, open_alone, save_colours
from tests.tiny import tiny_directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("pages"), "llama"))


@pytest.fixture(autouse=True)
def prepared(home_with_model: Path, directory: str) -> Iterator[None]:
    forget()
    save_colours()
    open_model(directory)  # a model that was opened before stands in the sidebar's list
    yield
    forget()


def query(directory: str, **more: str) -> dict[str, str]:
    return {"model": directory, "concept": "colours", "layer": "1", **more}


def test_the_chosen_precision_reaches_the_model(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(f"This is the text number {i} of a short reference." for i in range(40))
    monkeypatch.setattr("core.activations.reference.reference_texts", lambda: few)
    opened = []

    def spy(spec: str, **options: str | None) -> object:
        opened.append(options)
        return open_model(spec, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("core.models.open_model", spy, raising=False)
    app = open_alone("steering", **query(directory, dtype="bfloat16", device="cpu", tokens="3"))
    app.button(key="generate").click().run()
    assert not app.exception
    assert not app.error
    assert opened == [{"device": "cpu", "dtype": "bfloat16"}]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_gets_a_sentence(directory: str) -> None:
    app = open_alone("steering", **query(directory, device="cuda"))
    app.button(key="generate").click().run()
    assert not app.exception
    assert any("no device" in error.value and "cuda" in error.value for error in app.error), app.error


def test_a_recording_starts_as_a_job(directory: str) -> None:
    app = open_alone("jobs", **query(directory, dtype="float32"))
    assert not app.exception
    next(button for button in app.button if button.label == "Record").click().run()
    assert not app.exception
    (job,) = jobs.jobs()
    assert job.arguments[:2] == ("record", directory)
    assert job.arguments[-2:] == ("--dtype", "float32")
    deadline = time.monotonic() + 120
    while jobs.get(job.id).state == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    done = jobs.get(job.id)
    assert done.state == "done", jobs.log_tail(job.id)
    assert done.result is not None
    assert (done.result["n_texts"], done.result["layer"], done.result["pool"]) == (48, 1, "mean")
