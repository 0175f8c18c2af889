"""Workers and how they are reached: what each sees and says, how processors are shared out, addresses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import workspace
from core.engines.connecting import _foreign, _knock, _own, clear_folders, connected
from core.engines.member import Member
from core.engines.on_ray import nodes_of, shares
from core.engines.team import Done, in_order
from core.engines.token import standing_token
from core.errors import UserError
from core.models import Model, open_model
from tests.engine_pieces import Refuses
from tests.tiny import tiny_directory


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Model]:
    return partial(open_model, str(tiny_directory(tmp_path_factory.mktemp("tiny"), "llama")))


def test_answers_are_put_in_order() -> None:
    found = in_order(iter([Done(2, "c", ""), Done(0, "a", ""), Done(1, "b", ""), Done(3, "d", "")]))
    assert [one.value for one in found] == ["a", "b", "c", "d"]


def test_the_processors_are_shared_out() -> None:
    assert shares([{"CPU": 16}], None, None, None) == (2, 8, 0)
    assert shares([{"CPU": 16, "GPU": 8}], None, None, None) == (8, 2, 1)
    assert shares([{"CPU": 16, "GPU": 8}], 4, 1, "cpu") == (4, 1, 0)
    assert shares([{"CPU": 1}], None, None, None) == (1, 1, 0)
    with pytest.raises(UserError, match="3 workers with 2 threads each need 6 processors, and Ray has 4;"):
        shares([{"CPU": 4}], 3, 2, None)
    with pytest.raises(UserError, match="3 workers need a GPU each, and Ray has 2"):
        shares([{"CPU": 16, "GPU": 2}], 3, 1, None)
    with pytest.raises(UserError, match="1 workers with 1 threads"):
        shares([], 1, None, None)


def test_a_worker_fits_into_one_machine() -> None:
    eight, head, gpus = {"CPU": 8.0, "memory": 1e9}, {"CPU": 32}, {"CPU": 64, "GPU": 8}
    assert shares([eight] * 4, None, None, None) == (2, 8, 0)
    assert shares([eight] * 4, 6, None, None) == (6, 4, 0)
    # Sharing out the sum would give 12 threads each, and five of the eight would fit beside the GPUs.
    assert shares([head, gpus], None, None, None) == (8, 8, 1)
    assert shares([head, gpus], None, None, "cpu") == (2, 32, 0)
    assert shares([eight] * 4, 3, 5, None) == (3, 5, 0)
    for nodes, workers, threads in (([eight] * 4, 2, 16), ([eight] * 4, 5, 5), ([head, gpus], 8, 12)):
        with pytest.raises(UserError, match=f"on {len(nodes)} machines, of which a worker needs one; ask for fewer"):
            shares(nodes, workers, threads, None)
    ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": head}, {"Alive": False, "Resources": gpus}])
    assert nodes_of(ray) == [head]


def test_a_worker_knows_whether_it_sees_the_workspace(
    home: Path, tmp_path: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_token() as token:
        assert token.is_seen
        assert Member(opener, None, token, 1)._holder.shared
        monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "elsewhere"))
        (home / "parts" / token.name).write_text("of somebody else")
        assert not token.is_seen
        member = Member(opener, None, token, 1)
    assert not token.is_seen
    assert list((home / "parts").iterdir()) == []
    assert not member._holder.shared
    assert workspace.home() == tmp_path / "elsewhere"


def test_what_the_user_can_mend_comes_back_as_a_sentence(home: Path, opener: Callable[[], Model]) -> None:
    with standing_token() as token:
        member = Member(opener, None, token, 1)
    assert member.do(0, Refuses()).error == "This text cannot be read."
    gone = Member(partial(open_model, "./nowhere"), None, token, 1)
    assert "nowhere" in str(gone.identity().error)


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"conceptscope-ray-{gone.pid}-a", f"conceptscope-ray-{os.getpid()}-b", "conceptscope-ray-x", "other"]
    for name in names:
        (tmp_path / name / "logs").mkdir(parents=True)
    clear_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_a_ray_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    ended: list[bool] = []

    def init(**asked: Any) -> None:
        if "_temp_dir" in asked:
            folders.append(Path(asked["_temp_dir"]))
        raise RuntimeError("The current node\ntimed out {here}.")

    ray = SimpleNamespace(init=init, shutdown=lambda: ended.append(True))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = r"started in .* \(The current node timed out \{here\}.\); see that there is room"
    with pytest.raises(UserError, match=said), _own(ray, 1, 1):
        pass
    assert ended == [True]
    assert folders[0].parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match=r"reached at 'auto' \(The current node"), _foreign(ray, "auto"):
        pass
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"Ray cannot be started in .*nowhere"), _own(ray, 1, 1):
        pass


def test_a_workspace_that_cannot_be_written_is_told(home: Path) -> None:
    home.mkdir()
    (home / "parts").write_text("no folder")
    with pytest.raises(UserError, match="could not be written"), standing_token():
        pass


def test_an_address_at_which_nobody_answers_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"Nothing answers at 127.0.0.1:1 .*ray start --head"):
        _knock("127.0.0.1:1")
    for odd in ("127.0.0.1", "host:", "host:0", "host:99999", ":1", "auto:x"):
        with pytest.raises(UserError, match="--address takes local, auto"):
            _knock(odd)
    monkeypatch.setattr("core.engines.connecting.find_spec", lambda name: None)
    with pytest.raises(UserError, match="Ray is not installed here"), connected("local", 1, 1):
        pass
