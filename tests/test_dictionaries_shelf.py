"""What a page asks of dictionaries: a list without weights, features as directions, lines that fulfil conditions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core.dictionaries import Card, Dictionary, delete_dictionary, save_dictionary
from core.dictionaries.index.narrowing import Condition, narrowed
from core.dictionaries.neurons import neurons_of
from core.dictionaries.pointing import feature_direction
from core.dictionaries.shelf import list_names
from core.directions import load_direction, save_direction, site_of
from core.errors import UserError
from core.models import Model, Site, edit, record
from core.models.tokens import batch, tokenize
from tests.made_features import FEATURES, save_small
from tests.test_dictionaries_index import LAYER, bound, topk


def test_the_list_reads_no_weights(home: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    save_small(tiny, "one")
    save_small(tiny, "two", seed=1)
    monkeypatch.setattr("core.dictionaries.library.read_files", lambda *_: pytest.fail("weights were read"))
    found = {one.name: one for one in list_names()}
    assert set(found) >= {"one", "two"}
    one = found["one"]
    assert (one.kind, one.features, one.layer, one.model_name) == ("topk", FEATURES, LAYER, tiny.id)
    assert one.stamp != found["two"].stamp


def test_a_stamp_changes_with_the_files_and_damage_is_listed_all_the_same(home: Path, tiny: Model) -> None:
    saved = save_small(tiny, "one")
    before = list_names()[0].stamp
    assert list_names()[0].stamp == before
    assert saved.folder is not None
    weights = saved.folder / "sae_weights.safetensors"
    os.utime(weights, ns=(1, 1))
    assert list_names()[0].stamp != before
    (saved.folder / "cfg.json").write_text('{"d_sae": true, "architecture": 7}')
    assert (list_names()[0].kind, list_names()[0].features) == ("unknown", 0)
    delete_dictionary("one")
    assert "one" not in [one.name for one in list_names()]


def test_a_feature_as_a_direction_is_its_decoder_row(home: Path, tiny: Model) -> None:
    dictionary = bound(tiny, topk())
    made = feature_direction(dictionary, tiny, 3, name="three", label="<b>cats</b>")
    row = dictionary.coder.W_dec[3].numpy()
    np.testing.assert_allclose(made.vector, row / np.linalg.norm(row), atol=1e-6)
    assert made.raw_norm == pytest.approx(np.linalg.norm(row))
    assert site_of(tiny, made) == tiny.site(LAYER)
    assert "<b>cats</b>" in made.origin
    save_direction(made)
    assert load_direction("three").digest == made.digest


def test_a_neurons_direction_pushes_as_the_neuron_does(home: Path, tiny: Model) -> None:
    coder, reads, written = neurons_of(tiny, LAYER)
    dictionary = Dictionary("n", coder, Card(tiny.id, tiny.fingerprint, reads, written, written))
    made = feature_direction(dictionary, tiny, 7, name="seven")
    at = site_of(tiny, made)
    inputs = batch(tiny, tokenize(tiny, ["a house of bricks"], 32))
    after = tiny.site(LAYER)

    def pushed(site: Site, push: torch.Tensor) -> torch.Tensor:
        with edit(tiny, {site: lambda h: h + push}):
            return record(tiny, inputs, [after])[after]

    unit = torch.zeros(coder.d_in)
    unit[7] = 0.5
    wanted = pushed(reads, unit)
    found = pushed(at, 0.5 * made.raw_norm * torch.tensor(made.vector))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def test_what_is_no_direction_is_refused(home: Path, tiny: Model) -> None:
    coder = topk()
    coder.tensors()["W_dec"][2] = 0
    dictionary = bound(tiny, coder)
    for feature, reason in ((2, "writes nothing"), (99, "no feature 99"), (-1, "no feature -1")):
        with pytest.raises(UserError, match=reason):
            feature_direction(dictionary, tiny, feature, name="x")
    nowhere = dictionary.replaced(card=Card(tiny.id, tiny.fingerprint, tiny.site(LAYER)))
    with pytest.raises(UserError, match="no place"):
        feature_direction(nowhere, tiny, 1, name="x")
    elsewhere = Site(LAYER, "after", "model.layers.1.odd", "output")
    with pytest.raises(UserError, match="no place for directions"):
        feature_direction(bound(tiny, topk(), elsewhere), tiny, 1, name="x")


TABLE = pd.DataFrame(
    {
        "feature": [0, 1, 2, 3],
        "label": ["Dogs", "", "hot DOG", "<b>"],
        "label_score": [0.9, np.nan, 0.5, 0.7],
        "top_tokens": [[" cat"], [" dog", "s"], [], ["x", "y"]],
        "dead": [False, True, False, False],
    }
)


@pytest.mark.parametrize(
    ("conditions", "words", "left"),
    [
        ([], "", [0, 1, 2, 3]),
        ([], "dog", [0, 1, 2]),
        ([], "<B>", [3]),
        ([], "xy", []),  # tokens are looked at one by one
        ([Condition("label_score", low=0.5)], "", [0, 2, 3]),
        ([Condition("label_score", low=0.5, high=0.7)], "", [2, 3]),
        ([Condition("label_score", high=1.0)], "", [0, 2, 3]),  # what is not known is outside
        ([Condition("dead", is_=True)], "", [1]),
        ([Condition("dead", is_=False), Condition("label", words="dog")], "", [0, 2]),
        ([Condition("label_score", low=0.6)], "dog", [0]),
    ],
)
def test_lines_that_fulfil_conditions(conditions: list[Condition], words: str, left: list[int]) -> None:
    assert narrowed(TABLE, conditions, words)["feature"].tolist() == left


def test_conditions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match="no column 'beauty'"):
        narrowed(TABLE, [Condition("beauty", low=1)])
    with pytest.raises(UserError, match="no numbers"):
        narrowed(TABLE, [Condition("label", low=1)])


def test_a_dictionary_bound_to_nothing_is_listed(home: Path) -> None:
    save_dictionary(Dictionary("free", topk(), Card(), metadata={"model_name": "gpt2"}), "free")
    (one,) = [one for one in list_names() if one.name == "free"]
    assert (one.model_name, one.layer) == ("gpt2", None)
