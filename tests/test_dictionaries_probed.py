"""What a direction gives to each feature: number by number from the weights, in the table, on the command line."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.dictionaries import Card, Dictionary
from core.dictionaries.index import Index
from core.dictionaries.index.probed import PROBED, fits, probed, with_probe
from core.dictionaries.index.table import sorted_table, table_of
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import Config, Sae
from core.directions import Direction, save_direction
from core.errors import UserError
from core.models import Model, open_model
from tests.commands import fails, run
from tests.dictionaries import small_sae
from tests.made_features import FEATURES, LAYER, index_small, save_small
from tests.tiny import WIDTH, tiny_directory


def made(model: Model, site: str, width: int = WIDTH, name: str = "up") -> Direction:
    vector = np.random.default_rng(5).standard_normal(width).astype(np.float32)
    vector /= np.linalg.norm(vector)
    return Direction(name, model.id, model.fingerprint, site, LAYER, vector, 1.0, "diffmean", {})


@pytest.fixture
def model(home_with_model: Path, tmp_path: Path) -> Model:
    return open_model(str(tiny_directory(tmp_path, "llama")))


@pytest.fixture
def dictionary(model: Model) -> Dictionary:
    return save_small(model)


def test_weights_are_cosines_of_what_is_written_and_dots_of_what_is_read(model: Model, dictionary: Dictionary) -> None:
    direction = made(model, str(model.site(LAYER)))
    found = probed(dictionary, direction)
    weights, v = dictionary.coder.tensors(), direction.vector.tolist()
    for feature in range(FEATURES):
        writes, reads = weights["W_dec"][feature].tolist(), weights["W_enc"][:, feature].tolist()
        length = math.sqrt(sum(one * one for one in writes))
        assert found["probe_weight"][feature] == pytest.approx(
            sum(a * b for a, b in zip(writes, v, strict=True)) / length, abs=1e-6
        )
        assert found["probe_reads"][feature] == pytest.approx(
            sum(a * b for a, b in zip(reads, v, strict=True)), rel=1e-4, abs=1e-5
        )


def test_a_probe_reads_what_its_weights_say(model: Model, dictionary: Dictionary) -> None:
    """The claim of the column's help, by rebuilding: v . x^ is the sum of codes times weights times lengths."""
    direction = made(model, str(model.site(LAYER)))
    x = torch.randn(7, WIDTH, generator=torch.Generator().manual_seed(1))
    codes, v = dictionary.coder.encode(x), torch.from_numpy(direction.vector.copy())
    weight = torch.from_numpy(probed(dictionary, direction)["probe_weight"])
    said = (codes * weight * dictionary.coder.W_dec.norm(dim=1)).sum(dim=1)
    rebuilt = dictionary.coder.decode(codes, x) @ v - dictionary.coder.tensors()["b_dec"] @ v
    torch.testing.assert_close(said, rebuilt, rtol=1e-4, atol=1e-4)
    step = dictionary.coder.tensors()["W_enc"].T @ (x[0] + v) - dictionary.coder.tensors()["W_enc"].T @ x[0]
    np.testing.assert_allclose(probed(dictionary, direction)["probe_reads"], step, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "more"),
    [("gated", {}), ("topk", {"rescale": True}), ("abstopk", {"rescale": True}), ("jumprelu", {}), ("standard", {})],
)
def test_what_is_read_is_in_units_of_the_code(model: Model, architecture: str, more: dict[str, bool]) -> None:
    """By finite differences: where a feature is on before and after a small step, its code rises by so much."""
    chance = torch.Generator().manual_seed(0)
    config = Config(architecture, WIDTH, 30, WIDTH, k=30 if "topk" in architecture else 0, **more)  # type: ignore[arg-type]
    weights = {name: torch.randn(shape, generator=chance).double() for name, shape in config.shapes().items()}
    site = model.site(LAYER)
    own = Dictionary("d", Sae(config, weights), Card(model.id, model.fingerprint, site, site, site))
    direction = made(model, str(site))
    v, x = torch.from_numpy(direction.vector.copy()).double(), torch.randn(200, WIDTH, generator=chance).double()
    one, other = own.coder.encode(x), own.coder.encode(x + 1e-3 * v)
    said, seen = probed(own, direction)["probe_reads"], 0
    for feature in range(30):
        on = (one[:, feature] != 0) & (other[:, feature] != 0)
        if on.any():
            rises = (other - one)[on, feature] / 1e-3
            np.testing.assert_allclose(rises, said[feature], rtol=1e-3, atol=1e-3)
            seen += 1
    assert seen > 20


def test_what_is_read_of_tokens_that_are_scaled_one_by_one_is_blank(model: Model) -> None:
    site = model.site(LAYER)
    coder = small_sae("standard", scaling="layer_norm", d_in=WIDTH, d_out=WIDTH)
    found = probed(Dictionary("d", coder, Card(model.id, model.fingerprint, site, site, site)), made(model, str(site)))
    assert np.isnan(found["probe_reads"]).all()
    assert np.isfinite(found["probe_weight"]).all()


def test_what_writes_nothing_has_no_weight(model: Model, dictionary: Dictionary) -> None:
    dictionary.coder.tensors()["W_dec"][2] = 0
    found = probed(dictionary, made(model, str(model.site(LAYER))))
    assert np.isnan(found["probe_weight"][2])
    assert np.isfinite(found["probe_weight"]).sum() == FEATURES - 1


def test_directions_of_elsewhere_are_refused_or_leave_a_blank(model: Model, dictionary: Dictionary) -> None:
    here = made(model, str(model.site(LAYER)))
    for other in (
        made(model, str(model.site(0))),
        replace(here, model_fingerprint="f" * 24),
    ):
        assert not fits(dictionary, other)
        with pytest.raises(UserError, match="choose one at that place"):
            probed(dictionary, other)
    with pytest.raises(UserError, match=f"3 values; features here have {WIDTH}"):
        probed(dictionary, made(model, str(model.site(LAYER)), width=3))
    neurons, reads, writes = neurons_of(model, LAYER)
    card = replace(dictionary.card, reads=reads, rebuilds=writes, writes_to=writes)
    apart = Dictionary("neurons", neurons, card)
    found = probed(apart, made(model, str(writes)))
    assert np.isfinite(found["probe_weight"]).all()
    assert np.isnan(found["probe_reads"]).all()


def test_the_table_is_sorted_by_them(
    model: Model, dictionary: Dictionary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index: Index = index_small(model, dictionary, tmp_path)
    direction = made(model, str(model.site(LAYER)))
    columns = probed(dictionary, direction)
    plain = table_of(index, model)
    table = with_probe(plain, columns)
    assert list(plain.columns) == [one for one in table.columns if one not in PROBED]
    order = sorted_table(table, "probe_weight")["feature"].tolist()
    assert order == np.argsort(-columns["probe_weight"], kind="stable").tolist()
    save_direction(direction)
    said = run(capsys, "sae", "features", "mine", "--probe", "up", "--sort", "probe_weight", "--limit", "4")
    assert [one["feature"] for one in said["features"]] == order[:4]
    assert said["features"][0]["probe_weight"] == pytest.approx(columns["probe_weight"].max())
    least = run(capsys, "sae", "features", "mine", "--probe", "up", "--min", "probe_reads=0", "--limit", "50")
    assert {one["feature"] for one in least["features"]} == set(np.flatnonzero(columns["probe_reads"] >= 0).tolist())
    assert "no direction called 'down'" in fails(capsys, "sae", "features", "mine", "--probe", "down")
    assert "no column 'probe_weight'" in fails(capsys, "sae", "features", "mine", "--sort", "probe_weight")
