"""Ray on this machine: the numbers of one process, workers that are killed, cores that are shared out.

Skipped where Ray is not installed (`make ray`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.texts import mixed_texts
from core import workspace
from core.activations import record_texts
from core.dictionaries.index import Index, build_index
from core.engines import RayEngine, index_on, probe_all_on, record_on, scan_on
from core.engines.connecting import connected
from core.engines.recording import Asked, record_by
from core.engines.token import Token
from core.errors import UserError
from core.examples import Info, save_examples
from core.models import Model, open_model
from core.probing import probe_all
from core.tcav.known import known_target
from core.tcav.scan import scan
from tests import test_dictionaries_index as small
from tests.commands import fails, run
from tests.engine_pieces import TEXTS, Kills, Log, Meets, Refuses, Watched, contents
from tests.engine_scans import WHITENED, asked, forget, measure
from tests.test_probing_sets import moods
from tests.tiny import tiny_directory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed; `make ray` brings it"),
]

TWO = RayEngine(workers=2, threads=1)


@pytest.fixture(scope="module", autouse=True)
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ray, started once for all tests here, with a workspace for workers that see no other."""
    with pytest.MonkeyPatch.context() as environment, pytest.MonkeyPatch.context() as patch:
        environment.setenv("RAY_AUTH_MODE", "disabled")  # of somebody's other Rays
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("of workers")))
        with connected("local", 2, 1) as found:
            patch.undo()
            yield found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("tiny"), "llama"))


@pytest.fixture(scope="module")
def opener(directory: str) -> Callable[[], Model]:
    return partial(open_model, directory)


def record_here(opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch, place: Path) -> dict[str, bytes]:
    """What one process records of TEXTS, in a workspace of its own."""
    with monkeypatch.context() as there:
        there.setenv("CONCEPTSCOPE_HOME", str(place))
        model = opener()
        return contents(record_texts(model, TEXTS, [model.site(1)], pool="none")[0])


def test_the_ray_that_is_started_here_asks_for_a_token_and_tells_its_makers_nothing(ray: Any) -> None:
    from ray._common.usage.usage_lib import usage_stats_enabled

    assert not usage_stats_enabled()
    # Somebody else on this machine, who knows where it listens and has no token, or a wrong one.
    client = f"ray._raylet.GcsClient({ray.get_runtime_context().gcs_address!r})"
    call = f"import ray._raylet; print(len({client}.get_all_node_info(timeout=20)))"
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    known = {name: os.environ[name] for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")}
    tried = ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "f" * 64}, known)
    *strangers, friend = (
        subprocess.run([sys.executable, "-c", call], env=own | one, capture_output=True, text=True) for one in tried
    )
    for stranger in strangers:
        assert stranger.returncode != 0
        assert "authenticat" in stranger.stderr.lower()
    assert (friend.returncode, friend.stdout) == (0, "1\n")


def test_where_there_is_no_room_nobody_waits_for_ever(
    home: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engines.on_ray.shares", lambda *asked: (2, 99, 0))
    monkeypatch.setattr("core.engines.on_ray.PLACING", 1.0)
    with pytest.raises(UserError, match="No worker of Ray was ready within 1 seconds"), RayEngine().team(opener):
        pass


def test_two_workers_make_the_store_of_one_process_byte_for_byte(
    home: Path, tmp_path: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = record_here(opener, monkeypatch, tmp_path / "alone")
    (store,) = record_on(TWO, opener, TEXTS, [1], pool="none")
    assert contents(store) == expected
    assert len(expected) == 12
    assert list((home / "parts").iterdir()) == []
    (again,) = record_on(TWO, opener, TEXTS, [1], pool="none")
    assert (store.cached, again.cached) == (False, True)


def test_a_killed_worker_costs_its_unfinished_shard_alone(
    home: Path, tmp_path: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = record_here(opener, monkeypatch, tmp_path / "alone")
    killed: list[tuple[int, int]] = []
    log = tmp_path / "log"

    def kill(so_far: Log) -> None:
        place, pid = so_far.underway()[-1]
        os.kill(pid, 9)
        killed.append((place, pid))

    with TWO.team(opener) as team:
        list(team.run([Meets(str(tmp_path / "met"), 2, 200.0)] * 2))  # both are ready
        watched = Watched(team, log, 0.4, kill)
        (store,) = record_by(watched, Asked((1,), pool="none"), TEXTS)
    assert contents(store) == expected
    ((place, pid),) = killed
    said = Log.of(log)
    n_shards = len(expected) - 1
    assert said.times("ended") == Counter(range(n_shards)), "every shard was written once"
    assert said.times("begun") == Counter(range(n_shards)) + Counter([place]), "one was begun twice"
    first, second = said.pids(place)
    assert first == pid != second


def test_a_worker_killed_again_and_again_is_told(home: Path, tmp_path: Path, opener: Callable[[], Model]) -> None:
    with RayEngine(workers=1, threads=1).team(opener) as team:
        (done,) = team.run([Kills(str(tmp_path / "twice"), 2)])
        assert done.value == 2
        with pytest.raises(UserError, match="lost 4 times over the same piece"):
            list(team.run([Kills(str(tmp_path / "ever"), 99)]))
    assert len((tmp_path / "ever").read_text()) == 4


def test_what_cannot_be_done_comes_back_as_a_sentence(home: Path, opener: Callable[[], Model]) -> None:
    with TWO.team(opener) as team, pytest.raises(UserError, match=r"^This text cannot be read\.$"):
        list(team.run([Refuses()]))
    with pytest.raises(UserError, match="nowhere"), TWO.team(partial(open_model, "./nowhere")):
        pass
    with pytest.raises(UserError, match="has no layer 9"):
        record_on(TWO, opener, TEXTS[:9], [9])


def test_sets_are_probed_as_by_one_process(home: Path, opener: Callable[[], Model]) -> None:
    for name, words in (("moods", ("good", "bad")), ("other", ("fine", "poor"))):
        save_examples(moods(*words, name), name)
    sets = [Info(id, id, "", 36, 36, "saved") for id in ("moods", "nowhere", "other")]
    settings: dict[str, Any] = {"methods": ("logistic", "diffmean"), "controls": ("codelength",), "sets": sets}
    found = probe_all_on(TWO, opener, [1, 2], **settings)
    for path in workspace.place("results", "x").parent.iterdir():
        path.unlink()
    plain = probe_all(opener(), [1, 2], **settings)
    assert found.results == plain.results
    assert len(plain.results) == 8
    assert [one.examples_id for one in found.skipped] == ["nowhere"]


def test_an_index_is_the_same_bit_for_bit(home: Path, opener: Callable[[], Model]) -> None:
    model, texts = opener(), small.make_texts(900)
    dictionary = small.bound(model, small.topk())
    inputs = (model, dictionary, small.indexed(texts), small.SMALL)
    (store,) = record_on(TWO, opener, texts, [small.LAYER], pool="none")
    for source in (None, store):
        folder = index_on(TWO, opener, *inputs, store=source)
        found = {name: np.array(array) for name, array in Index(folder).columns.items()}
        for path in folder.iterdir():
            path.unlink()
        plain = Index(build_index(*inputs, store=source)).columns
        assert set(found) == set(plain)
        for name, array in plain.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_scan_is_the_same(home_with_model: Path, opener: Callable[[], Model]) -> None:
    model = opener()
    measure(model)
    sets, inputs = asked()
    target = known_target(model, "the,a|and,of")
    found = scan_on(TWO, opener, model, sets, target, inputs, 1, settings=WHITENED, pushed=4)
    forget()
    plain = scan(model, sets, target, inputs, 1, settings=WHITENED, pushed=4)
    assert plain["cached"] is False
    assert (found["results"], found["notes"]) == (plain["results"], plain["notes"])


def test_workers_that_do_not_see_the_workspace_publish(
    home: Path, tmp_path: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = record_here(opener, monkeypatch, tmp_path / "alone")

    @contextmanager
    def of_another_machine() -> Iterator[Token]:
        yield Token(str(tmp_path / "nowhere"), "x", "y")

    monkeypatch.setattr("core.engines.on_ray.standing_token", of_another_machine)
    with pytest.raises(UserError, match="does not see this workspace; put CONCEPTSCOPE_HOME into a folder"):
        record_on(TWO, opener, TEXTS, [1], pool="none")
    (store,) = record_on(TWO, opener, TEXTS, [1], pool="none", storage=f"file://{tmp_path}/published")
    assert contents(store) == expected
    save_examples(moods("good", "bad", "moods"), "moods")
    sets = [Info("sae-probes/92_glue_sst2", "", "", 0, 0, "")]
    settings: dict[str, Any] = {"methods": ("diffmean",), "controls": (), "sets": sets, "limit": 40}
    table = probe_all_on(TWO, opener, [1], **settings)
    assert probe_all(opener(), [1], **settings).results == table.results
    assert probe_all(opener(), [1], **settings).computed == 0  # the answer was kept in this workspace


def test_workers_that_hold_another_model_are_found_out(home: Path, tmp_path: Path, opener: Callable[[], Model]) -> None:
    other = partial(open_model, str(tiny_directory(tmp_path, "gpt2")))
    model = opener()
    with pytest.raises(UserError, match="another fingerprint than this process"):
        index_on(
            TWO, other, model, small.bound(model, small.topk()), small.indexed(small.make_texts(9)), small.SMALL
        )  # fmt: skip


def test_more_workers_than_processors_are_refused(home: Path, opener: Callable[[], Model]) -> None:
    with pytest.raises(UserError, match="ask for fewer with --workers or --threads"):
        record_on(RayEngine(workers=500, threads=1), opener, TEXTS[:9], [1])


def test_the_command_line(home: Path, tmp_path: Path, directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS[:700]))
    arguments = ("record", directory, "--texts", str(file), "--layers", "0,1", "--pool", "mean,none")
    found = run(capsys, *arguments, "--engine", "ray", "--workers", "2", "--threads", "1")["stores"]
    plain = run(capsys, *arguments)["stores"]
    assert [one["cached"] for one in found] == [False] * 4
    assert [one["cached"] for one in plain] == [True] * 4
    for one, other in zip(found, plain, strict=True):
        assert {**one, "seconds": 0, "cached": 0} == {**other, "seconds": 0, "cached": 0}
    assert "500 workers" in fails(capsys, *arguments, "--engine", "ray", "--workers", "500", "--threads", "1")


def test_the_bundled_model_is_recorded_alike(home_with_model: Path) -> None:
    texts = [text[:200] for text in mixed_texts(700)]
    opener = partial(open_model, "smollm2")
    stores = record_on(TWO, opener, texts, [0, 2])
    model = opener()
    found = [store.load() for store in stores]
    keys = [set(store.manifest) for store in stores]
    for store in stores:
        for path in store.path.iterdir():
            path.unlink()
    alone = record_texts(model, texts, [model.site(0), model.site(2)])
    assert [set(store.manifest) for store in alone] == keys
    for one, other in zip(found, alone, strict=True):
        expected = other.load()
        np.testing.assert_allclose(one, expected, rtol=0, atol=1e-5 * np.linalg.norm(expected, axis=1).max())
