"""What a user of a server reads beside what is their own: the library's models and activations, and no typed path."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core import jobs, workspace
from core.activations import record_texts
from core.dictionaries import open_dictionary
from core.errors import UserError
from core.examples import is_images, open_examples, open_images, stamp
from core.models import Model, list_models, open_model
from core.models.remembered import is_permitted
from core.models.shelf import remember
from core.models.source import Source, find_source
from core.spaces import within
from tests.commands import fails
from tests.people import save_all, state_of
from tests.tiny import tiny_directory


@pytest.fixture
def shared(home: Path) -> Path:
    """A workspace whose owner has put one of each kind into it."""
    save_all("ours")
    return workspace.shared()


def test_typed_paths_open_ones_own_and_the_library_only(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "secret.csv"
    table.write_text("text,label\nsecret,0\nsecrets,1\nsecret 2,0\nsecret 3,1\n")
    (tmp_path / "images").mkdir()
    model = tiny_directory(tmp_path, "llama")
    sae = tmp_path / "sae"
    sae.mkdir()
    (sae / "cfg.json").write_text("{}")
    assert open_examples(str(table)).n_positives == 2  # on one's own machine
    assert stamp(str(table))
    with within("anna-1"):
        for path in (table, tmp_path / "missing.csv", tmp_path / "missing.txt"):
            with pytest.raises(UserError, match=r"no files of its own|no examples and no file") as refused:
                open_examples(str(path))
            assert "secret," not in str(refused.value)
            assert stamp(str(path)) == ""
        for path in (tmp_path / "images", tmp_path / "missing"):
            assert not is_images(str(path))
            with pytest.raises(UserError, match="no files of its own"):
                open_images(str(path))
            with pytest.raises(UserError, match="no files of its own"):
                open_images(f"patches/{path}")
        for path in (model, tmp_path / "missing", "owner/name"):
            with pytest.raises(UserError, match="not among the models of this server"):
                open_model(str(path))
        with pytest.raises(UserError, match=r"no files of its own|no dictionary"):
            open_dictionary(str(sae))
        own = workspace.place("prompts", "a.txt")
        workspace.write_bytes(own, b"one\n")
        assert workspace.readable(own) == own
        for more in (["--storage", str(tmp_path)], ["--engine", "ray"]):
            asked = ["record", "smollm2", "--texts", str(own), "--layers", "1", *more]
            assert "whoever runs the server" in fails(capsys, *asked)
        for path in ("~nobody-of-this-name/x", "a\0b", "x" * 5000):
            with pytest.raises(UserError):
                workspace.readable(Path(path))


def test_models_that_the_owner_opened_are_for_all_and_a_users_own_are_not(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    directory = tiny_directory(tmp_path, "llama")
    opened = open_model(str(directory))
    hub = Source("owner/name", "hub", directory)
    remember(hub, 4, 8)
    with within("anna-1"):
        assert {str(directory), "owner/name"} <= {one.id for one in list_models()}
        assert open_model(str(directory)).fingerprint == opened.fingerprint
        with pytest.raises(UserError, match="only its owner may"):
            find_source("owner/name")  # it is not in the hub's cache, and is not fetched
        own = workspace.place("exports", "folded")
        own.mkdir()
        remember(Source(str(own), "local", own), 4, 8)
        assert str(own) in {one.id for one in list_models()}
    with within("bert-1"):
        assert str(own) not in {one.id for one in list_models()}
        assert not is_permitted(str(own))
    assert str(own) not in {one.id for one in list_models()}


def test_activations_of_the_library_are_used_and_new_ones_are_ones_own(tiny: Model, home: Path) -> None:
    texts = ["a red house", "a blue house", "a green house"]
    (ours,) = record_texts(tiny, texts, [tiny.site(1)])
    before = state_of(home)
    with within("anna-1"):
        (same,) = record_texts(tiny, texts, [tiny.site(1)])
        assert (same.path, same.cached) == (ours.path, True)
        (hers,) = record_texts(tiny, [*texts, "hers"], [tiny.site(1)])
        assert hers.path.is_relative_to(workspace.home())
    assert state_of(home) == before
    with within("bert-1"):
        (his,) = record_texts(tiny, [*texts, "hers"], [tiny.site(1)])
        assert not his.cached
    # A damaged store of the library is not mended from a space; one's own takes its place.
    shard = ours.path / "shard-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    before = state_of(home)
    with within("anna-1"):
        (again,) = record_texts(tiny, texts, [tiny.site(1)])
        assert again.path.is_relative_to(workspace.home())
    assert state_of(home) == before


def test_a_job_works_for_whoever_started_it_and_is_in_nobody_elses_list(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs, "MODULE", "tests.fake_command")
    arguments = ["count", "1", "0", str(tmp_path / "steps")]
    with within("anna-1"):
        job = jobs.start(arguments, "Hers")
        deadline = time.monotonic() + 30
        while jobs.get(job.id).state == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert jobs.get(job.id).state == "done", jobs.log_tail(job.id)
        assert [one.title for one in jobs.jobs()] == ["Hers"]
    for other in ("bert-1", ""):
        with within(other):
            assert jobs.jobs() == []
            assert jobs.find(job.id) is None
            assert jobs.log_tail(job.id) == ""
            with pytest.raises(UserError, match="no job"):
                jobs.resume(job.id)
