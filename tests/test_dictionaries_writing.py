"""Where features write: tokens and pushes are told of what reaches the stream as it is, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.dictionaries import Card, Dictionary
from core.dictionaries.index.build import index_key
from core.dictionaries.index.corpora import from_file
from core.dictionaries.index.settings import Settings
from core.dictionaries.index.weights import promotions
from core.dictionaries.neurons import neurons_of
from core.dictionaries.pointing import feature_direction
from core.dictionaries.sae import Sae
from core.dictionaries.writing import arrives_at, is_added
from core.errors import UserError
from core.models import Model, Site, open_model
from tests.test_dictionaries_index import bound, topk
from tests.tiny import tiny_directory

LAYER = 1


@pytest.fixture
def gemma(tmp_path: Path, home: Path) -> Model:
    """A norm stands behind its MLP and its attention."""
    return open_model(str(tiny_directory(tmp_path, "gemma2")))


def neurons(model: Model) -> Dictionary:
    coder, reads, written = neurons_of(model, LAYER)
    return Dictionary("n", coder, Card(model.id, model.fingerprint, reads, written, written))


def outside(model: Model) -> list[Site]:
    """Places as wide as the stream whose tensors are not added to it as they are."""
    mlp, attention = f"model.layers.{LAYER}.mlp", f"model.layers.{LAYER}.self_attn"
    return [
        Site(LAYER, "mlp", mlp, "input"),
        Site(LAYER, "attention", f"{attention}.o_proj", "input"),  # the heads side by side
        Site(LAYER, "attention", f"{attention}.q_proj", "output"),
        Site(LAYER, "mlp", f"{mlp}.nowhere", "output"),
        Site(99, "after", "model.layers.99", "output"),
    ]


@pytest.mark.parametrize("kind", ["before", "after", "attention", "mlp"])
def test_features_that_write_into_the_stream_promote_tokens_and_point(kind: str, home: Path, tiny: Model) -> None:
    site = tiny.site(LAYER, kind)  # type: ignore[arg-type]
    dictionary = bound(tiny, topk(), site)
    assert (promotions(tiny, dictionary)["up_id"] >= 0).all()
    assert feature_direction(dictionary, tiny, 3, name="x").site == str(site)


def test_features_that_write_elsewhere_promote_nothing_and_are_not_pushed_along(home: Path, tiny: Model) -> None:
    for site in outside(tiny):
        dictionary = bound(tiny, topk(), site)
        found = promotions(tiny, dictionary)
        assert (found["up_id"] == -1).all(), site
        assert np.isnan(found["down"]).all()
        with pytest.raises(UserError, match="no place for directions"):
            feature_direction(dictionary, tiny, 3, name="x")
    nowhere = bound(tiny, topk()).replaced(card=Card())
    assert (promotions(tiny, nowhere)["up_id"] == -1).all()


def test_neurons_write_what_the_mlp_adds_unless_a_norm_follows(home: Path, tiny: Model, gemma: Model) -> None:
    one = neurons(tiny)
    assert arrives_at(one.card.writes_to, tiny) == tiny.site(LAYER, "mlp")  # type: ignore[arg-type]
    assert (promotions(tiny, one)["up_id"] >= 0).all()
    other = neurons(gemma)
    assert not is_added(other.card.writes_to, gemma)
    assert (promotions(gemma, other)["up_id"] == -1).all()
    with pytest.raises(UserError, match="not what reaches the stream"):
        feature_direction(other, gemma, 3, name="x")
    itself = bound(gemma, topk(), Site(LAYER, "mlp", f"model.layers.{LAYER}.mlp", "output"))
    with pytest.raises(UserError, match="not what reaches the stream"):
        feature_direction(itself, gemma, 3, name="x")
    added = bound(gemma, topk(), gemma.site(LAYER, "mlp"))
    assert feature_direction(added, gemma, 3, name="x").site == str(gemma.site(LAYER, "mlp"))


def test_indexes_that_named_tokens_by_mistake_are_made_again_and_no_others(
    home: Path, tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts.txt").write_text("A text.\nAnother one.")
    indexed = from_file(str(tmp_path / "texts.txt"))

    def key(site: Site) -> str:
        return index_key(tiny, bound(tiny, topk(), site), indexed, Settings(), "model")

    inside, stream = outside(tiny)[1], tiny.site(LAYER)
    new = key(inside), key(stream)
    monkeypatch.setattr("core.dictionaries.index.build.is_added", lambda *_: True)  # as it was
    assert key(inside) != new[0]
    assert key(stream) == new[1]


def test_a_site_of_another_width_is_no_place(home: Path, tiny: Model) -> None:
    assert arrives_at(Site(LAYER, "mlp", f"model.layers.{LAYER}.mlp.up_proj", "output"), tiny) is None


def test_the_record_says_that_a_length_is_of_scaled_tokens(home: Path, tiny: Model) -> None:
    plain = feature_direction(bound(tiny, topk()), tiny, 3, name="x")
    scaled = Sae(replace(topk().cfg, scaling="layer_norm"), topk().tensors())
    made = feature_direction(bound(tiny, scaled), tiny, 3, name="x")
    assert "unit" not in plain.provenance
    assert "scale 1" in made.provenance["unit"]
    assert made.raw_norm == plain.raw_norm
