"""The library of directions: what is saved comes back bit for bit, and nothing else is let in."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from core import workspace
from core.directions import (
    Direction,
    delete_direction,
    list_directions,
    load_direction,
    rename_direction,
    save_direction,
)
from core.errors import UserError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path))
    return tmp_path


def direction(name: str = "warm", seed: int = 0, **changes: object) -> Direction:
    raw = np.random.default_rng(seed).standard_normal(37)
    values: dict = {
        "name": name,
        "model_id": "tiny/λ",
        "model_fingerprint": "0123456789abcdef01234567",
        "site": "model.layers.3 output",
        "layer": 3,
        "vector": (raw / np.linalg.norm(raw)).astype(np.float32),
        "raw_norm": 0.1 + 0.2,
        "method": "diffmean",
        "provenance": {"held_out": {"auroc": 0.75}, "examples": {"id": "naïve <b>😀"}},
    }
    return Direction(**values | changes)


def manifest_of(d: Direction) -> dict:
    return {"format": "direction/1"} | {k: v for k, v in d.to_json().items() if k not in ("name", "width", "auroc")}


def test_round_trip_is_bit_equal() -> None:
    saved = direction()
    save_direction(saved)
    loaded = load_direction("warm")
    assert loaded.vector.tobytes() == saved.vector.tobytes()
    assert loaded.vector.dtype == np.float32
    assert loaded.to_json() == saved.to_json()
    assert loaded.auroc == 0.75


def test_the_same_direction_gives_the_same_file() -> None:
    first = save_direction(direction()).read_bytes()
    assert save_direction(direction()).read_bytes() == first


def test_vectors_are_read_only() -> None:
    save_direction(direction())
    for d in (direction(), load_direction("warm")):
        with pytest.raises(ValueError, match="read-only"):
            d.vector[0] = 1


def test_saving_again_replaces_unless_told_not_to() -> None:
    save_direction(direction(seed=0))
    with pytest.raises(UserError, match="'warm' already"):
        save_direction(direction(seed=1), replace=False)
    assert load_direction("warm").vector.tobytes() == direction(seed=0).vector.tobytes()
    save_direction(direction(seed=1))
    assert load_direction("warm").vector.tobytes() == direction(seed=1).vector.tobytes()


def test_list_rename_delete(home: Path) -> None:
    assert list_directions() == []
    for name in ("b", "a"):
        save_direction(direction(name))
    assert [d.name for d in list_directions()] == ["a", "b"]
    with pytest.raises(UserError, match="'b' already"):
        rename_direction("a", "b")
    assert rename_direction("a", "c").name == "c"
    assert [d.name for d in list_directions()] == ["b", "c"]
    delete_direction("b")
    assert [d.name for d in list_directions()] == ["c"]
    with pytest.raises(UserError, match="saved are: c"):
        load_direction("b")
    with pytest.raises(UserError, match="'b' to delete"):
        delete_direction("b")
    assert [path.name for path in (home / "directions").iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("name", ["../warm", "a/b", "", ".hidden", "x" * 65, "a\nb"])
def test_names_that_are_not_names_are_refused(name: str) -> None:
    for act in (load_direction, delete_direction, lambda n: save_direction(direction(n))):
        with pytest.raises(UserError, match="cannot be a name"):
            act(name)


def test_one_bad_file_does_not_hide_the_others(home: Path) -> None:
    save_direction(direction("good"))
    (home / "directions" / "bad.safetensors").write_bytes(b"\x00" * 40)
    (home / "directions" / ".good.safetensors.x.part").write_bytes(b"half")
    assert [d.name for d in list_directions()] == ["good"]


def test_a_failure_while_saving_leaves_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_direction(direction(seed=0))
    with monkeypatch.context() as broken:
        broken.setattr(workspace.os, "fsync", _fail)
        with pytest.raises(UserError, match="disk full"):
            save_direction(direction(seed=1))
    assert load_direction("warm").vector.tobytes() == direction(seed=0).vector.tobytes()
    left = [one.name for one in home.rglob("*") if one.is_file()]
    assert left == ["warm.safetensors"], "something half-written was left behind"


def _fail(_: int) -> None:
    raise OSError("disk full")


UNIT = direction().vector


def _without(field: str) -> dict:
    return {k: v for k, v in manifest_of(direction()).items() if k != field}


def _with(**changes: object) -> dict:
    return manifest_of(direction()) | changes


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: b"\x80\x04garbage" * 10,
    "header longer than the file": lambda: (10**9).to_bytes(8, "little") + b"{}",
    "truncated": lambda: _file({"vector": UNIT}, manifest_of(direction()))[:-5],
    "no metadata": lambda: safetensors.numpy.save({"vector": UNIT}),
    "manifest is not JSON": lambda: _raw({"vector": UNIT}, "{"),
    "manifest is a list": lambda: _raw({"vector": UNIT}, "[]"),
    "manifest is deep": lambda: _raw({"vector": UNIT}, "[" * 100_000),
    "manifest holds NaN": lambda: _raw({"vector": UNIT}, json.dumps(_with(raw_norm=float("nan")))),
    "another format": lambda: _file({"vector": UNIT}, _with(format="direction/2")),
    "no site": lambda: _file({"vector": UNIT}, _without("site")),
    "layer is a text": lambda: _file({"vector": UNIT}, _with(layer="3")),
    "layer is true": lambda: _file({"vector": UNIT}, _with(layer=True)),
    "layer below 0": lambda: _file({"vector": UNIT}, _with(layer=-1)),
    "raw norm 0": lambda: _file({"vector": UNIT}, _with(raw_norm=0)),
    "raw norm endless": lambda: _raw({"vector": UNIT}, json.dumps(_with(raw_norm=1)).replace("1,", "1e999,", 1)),
    "provenance is a text": lambda: _file({"vector": UNIT}, _with(provenance="me")),
    "held out is a text": lambda: _file({"vector": UNIT}, _with(provenance={"held_out": "x"})),
    "AUROC is a text": lambda: _file({"vector": UNIT}, _with(provenance={"held_out": {"auroc": "<b>"}})),
    "AUROC above 1": lambda: _file({"vector": UNIT}, _with(provenance={"held_out": {"auroc": 7}})),
    "float64": lambda: _file({"vector": UNIT.astype(np.float64)}, manifest_of(direction())),
    "integers": lambda: _file({"vector": np.ones(1, np.int32)}, manifest_of(direction())),
    "two axes": lambda: _file({"vector": UNIT[None]}, manifest_of(direction())),
    "no axis": lambda: _file({"vector": np.array(1, np.float32)}, manifest_of(direction())),
    "no numbers": lambda: _file({"vector": UNIT[:0]}, manifest_of(direction())),
    "NaN": lambda: _file({"vector": np.append(UNIT, np.float32("nan"))}, manifest_of(direction())),
    "endless": lambda: _file({"vector": np.append(UNIT, np.float32("inf"))}, manifest_of(direction())),
    "not of length 1": lambda: _file({"vector": 2 * UNIT}, manifest_of(direction())),
    "another tensor": lambda: _file({"weights": UNIT}, manifest_of(direction())),
    "one tensor too many": lambda: _file({"vector": UNIT, "more": UNIT}, manifest_of(direction())),
    "too large": lambda: _file({"vector": np.zeros(5 << 20, np.float32)}, manifest_of(direction())),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_and_damaged_files_are_refused_in_a_sentence(case: str, home: Path) -> None:
    path = workspace.place("directions", "warm.safetensors")
    path.write_bytes(HOSTILE[case]())
    with pytest.raises(UserError, match="is not a direction of ours"):
        load_direction("warm")
    delete_direction("warm")


def test_the_hostile_files_are_refused_for_their_fault_alone() -> None:
    """The unspoilt file, made by the same helper, opens."""
    workspace.place("directions", "warm.safetensors").write_bytes(_file({"vector": UNIT}, manifest_of(direction())))
    assert load_direction("warm").to_json() == direction().to_json()


def _file(tensors: dict[str, np.ndarray], manifest: dict) -> bytes:
    return _raw(tensors, json.dumps(manifest))


def _raw(tensors: dict[str, np.ndarray], manifest: str) -> bytes:
    return safetensors.numpy.save(tensors, metadata={"conceptscope": manifest})
