"""A scan that a tiny model answers in no time, with whitened directions, so that the reference is read as well."""

from __future__ import annotations

import shutil
from dataclasses import asdict

from core import workspace
from core.activations import TypicalNorm, write_result
from core.activations.reference import key_of
from core.examples import Examples, from_lists, reference_texts
from core.models import Model
from core.tcav import Inputs, Settings, make_inputs

NOUNS = ("film", "food", "room", "letter", "river", "city", "day", "music", "rain", "street", "teacher", "station")
SETTINGS = Settings(kinds=("diffmean",), cav="diffmean", permutations=99)
WHITENED = Settings(kinds=("diffmean", "lda"), cav="lda", permutations=99)


def asked() -> tuple[list[Examples], Inputs]:
    """Three sets, of which the last is too small, and inputs."""
    sets = []
    for name, end in (("moods", "today"), ("places", "there")):
        good, bad = ([f"The {noun} was {word} {end}" for noun in NOUNS] for word in ("lovely", "awful"))
        sets.append(from_lists(good, bad, name=name))
    sets.append(from_lists(["a b c", "d e f"], ["g h i", "j k l"], name="few"))
    return sets, make_inputs("asked", [f"She saw the {noun} and went" for noun in NOUNS])


def measure(model: Model) -> None:
    """Typical norms that were taken over two thousand texts, as if somebody had done so."""
    norm = TypicalNorm(median=1.0, n_tokens=1, n_sinks=0, n_texts=2000)
    for layer in range(model.n_layers):
        write_result(key_of(model, model.site(layer), reference_texts()), asdict(norm))


def forget() -> None:
    """Leave nothing of a scan but the typical norms."""
    for path in workspace.place("results", "x").parent.glob("*.json"):
        value = workspace.read_json(path)
        if isinstance(value, dict) and "results" in value:
            path.unlink()
    shutil.rmtree(workspace.place("activations", "x").parent)
