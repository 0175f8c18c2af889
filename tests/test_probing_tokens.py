"""Reading single tokens, against plain transformers and against the probe that reads whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.activations import Pool, record_texts
from core.directions import Logistic, make_direction
from core.directions.rows import shortened_to, without_sinks
from core.errors import UserError
from core.examples import Examples, from_lists
from core.models import Model, tokenize
from core.probing import direction_reader, probe_readers, read_probe, read_tokens
from core.probing.readers import TEXTS
from core.probing.tokens import Reader
from tests.reference import kept_tokens
from tests.tiny import SENTENCES

TEXT = "The film was good, and the music was better than the rest."


@pytest.fixture(scope="module")
def colours() -> Examples:
    things = ("house", "door", "letter", "street", "room", "river", "evening", "station")
    warm = [f"The {thing} was red and warm on day {i}." for i in range(6) for thing in things]
    cold = [f"They ran to a cold blue {thing} {i} times." for i in range(6) for thing in things]
    return from_lists(warm, cold, "colours")


def plain_scores(
    model: Model, text: str, layer: int, vector: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, list]:
    """Score of each token, and places of those that count, from `output_hidden_states` alone."""
    (ids,) = tokenize(model, [text], 256)
    with torch.no_grad():
        h = model.network(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer + 1][0].numpy()
    kept = kept_tokens(h, ids, model.special_ids, False)
    return np.array([sum((x - c) * v for x, c, v in zip(row, centre, vector, strict=True)) for row in h]), kept


@pytest.mark.parametrize("method", ["diffmean", "logistic"])
def test_tokens_are_read_along_the_sweeps_own_probe(method: str, tiny: Model, home: Path, colours: Examples) -> None:
    readers = probe_readers(tiny, colours, [0, 2], method)
    found = read_tokens(tiny, TEXT, readers)
    assert "".join(found.pieces) == TEXT
    for row, layer in enumerate((0, 2)):
        probe = read_probe(tiny, colours, layer, method)
        np.testing.assert_allclose(readers[row].vector, probe.vector)
        scores, kept = plain_scores(tiny, TEXT, layer, probe.vector, probe.centre)
        np.testing.assert_allclose(found.scores[row], scores, rtol=1e-4, atol=1e-4 * scores.std())
        assert np.flatnonzero(found.masks[row] == "").tolist() == kept
        assert found.masks[row, 0] == "first"
        # A text's score is the mean of its tokens', and so the sweep's own.
        pooled = scores[kept].mean()
        assert found.probability[row] == pytest.approx(float(probe.platt.probability(pooled)), rel=1e-4)
        reader = readers[row]
        assert found.text_z[row] == pytest.approx((pooled - reader.middle) / reader.spread, rel=1e-3, abs=1e-4)
        np.testing.assert_allclose(found.z[row] * reader.spread + reader.middle, found.scores[row], atol=1e-9)


def test_middle_and_spread_are_those_of_held_out_tokens(tiny: Model, home: Path, colours: Examples) -> None:
    (reader,) = probe_readers(tiny, colours, [1], "diffmean")
    probe = read_probe(tiny, colours, 1, "diffmean")
    assert len(probe.test) <= TEXTS
    by_class: dict[int, list[float]] = {0: [], 1: []}
    for row in probe.test:
        scores, kept = plain_scores(tiny, colours.texts[probe.kept[row]], 1, probe.vector, probe.centre)
        by_class[int(probe.y[row])] += scores[kept].tolist()
    means = [np.mean(by_class[label]) for label in (0, 1)]
    spread = np.sqrt((np.var(by_class[0]) + np.var(by_class[1])) / 2)
    assert reader.middle == pytest.approx(sum(means) / 2, rel=1e-3, abs=1e-4)
    assert reader.spread == pytest.approx(spread, rel=1e-3)
    assert reader.separation == pytest.approx((means[1] - means[0]) / spread, rel=1e-3)
    again = probe_readers(tiny, colours, [1], "diffmean")[0]  # from the workspace
    assert (again.middle, again.spread) == (reader.middle, reader.spread)


def test_few_texts_of_either_class_tell_the_spread(
    tiny: Model, home: Path, colours: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = probe_readers(tiny, colours, [1], "diffmean")[0]
    monkeypatch.setattr("core.probing.readers.TEXTS", 12)
    few = probe_readers(tiny, colours, [1], "diffmean")[0]
    assert few.spread != whole.spread  # another key, other texts
    assert few.spread == pytest.approx(whole.spread, rel=0.3)
    assert few.separation is not None
    assert few.separation > 0


def test_a_probe_of_last_tokens_is_held_against_last_tokens(tiny: Model, home: Path, colours: Examples) -> None:
    (reader,) = probe_readers(tiny, colours, [1], "diffmean", pool="last")
    probe = read_probe(tiny, colours, 1, "diffmean", pool="last")
    own = probe.held_out
    means = [own[probe.y[probe.train] == label].mean() for label in (0, 1)]
    assert reader.middle == pytest.approx(sum(means) / 2)
    spread = np.sqrt(np.mean([own[probe.y[probe.train] == label].var() for label in (0, 1)]))
    assert reader.separation == pytest.approx((means[1] - means[0]) / spread)
    found = read_tokens(tiny, TEXT, [reader])
    assert found.text_z[0] == pytest.approx(found.z[0, -1])


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_a_probe_of_nothing_does_not_look_as_if_it_read(tiny: Model, home: Path, pool: Pool) -> None:
    """Labels drawn by lot: in the texts that it was fitted on the classes lie apart, which is the labels' doing."""
    rng = np.random.default_rng(3)
    words = ("the", "red", "blue", "house", "door", "ran", "was", "cold", "warm", "good", "bad", "film", "street")
    texts = [f"{' '.join(rng.choice(words, 5))} {place}" for place in range(60)]
    nothing = from_lists(texts[:30], texts[30:], "nothing")
    (reader,) = probe_readers(tiny, nothing, [1], Logistic(c=1.0), pool=pool)
    probe = read_probe(tiny, nothing, 1, Logistic(c=1.0), pool=pool)
    fitted, labels = probe.scores[probe.train], probe.y[probe.train]
    parts = [fitted[labels == label] for label in (0, 1)]
    assert (parts[1].mean() - parts[0].mean()) / np.sqrt(np.mean([part.var() for part in parts])) > 1.5
    assert reader.separation is not None
    assert abs(reader.separation) < 0.6


def test_a_text_that_is_all_sink_is_shortened_as_the_examples_were(tiny: Model, home: Path, colours: Examples) -> None:
    (reader,) = probe_readers(tiny, colours, [1], "diffmean")
    (store,) = record_texts(tiny, [*colours.texts, TEXT], [tiny.site(1)])
    *rows, row = store.load().astype(np.float64)
    assert reader.length == pytest.approx(np.median(np.linalg.norm(rows, axis=1)), rel=1e-5)
    assert read_tokens(tiny, TEXT, [reader]).text_z[0] == pytest.approx(z_of(reader, row), rel=1e-3)
    # As if the set's rows were a seventh as long, beside which this one is a sink.
    length = float(np.linalg.norm(row)) / 7
    found = read_tokens(tiny, TEXT, [replace(reader, length=length)])
    (shortened, *_), count = without_sinks(np.stack([row, *([[length, *[0] * (tiny.width - 1)]] * 20)]))
    assert count == 1
    assert found.text_z[0] == pytest.approx(z_of(reader, shortened), rel=1e-3)
    assert found.probability[0] == pytest.approx(
        float(reader.platt.probability((shortened - reader.centre) @ reader.vector)), rel=1e-3
    )
    assert shortened_to(np.array([[1.0, 0.0], [1.0, 0.0], [9.0, 0.0]])) is None, "such rows were not shortened either"


def z_of(reader: Reader, row: np.ndarray) -> float:
    return float(((row - reader.centre) @ reader.vector - reader.middle) / reader.spread)


def test_a_saved_direction_is_held_against_ordinary_tokens(
    tiny: Model, home: Path, colours: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (*SENTENCES, "one", "One more text, of a few words.")
    monkeypatch.setattr("core.probing.readers.reference_texts", lambda: texts)
    direction = make_direction(tiny, colours, tiny.site(1), "diffmean", name="warm")
    reader = direction_reader(tiny, direction)
    seen: list[float] = []
    for text in texts:
        scores, kept = plain_scores(tiny, text, 1, direction.vector, np.zeros(tiny.width))
        seen += scores[kept].tolist()
    assert reader.middle == pytest.approx(np.mean(seen), rel=1e-3, abs=1e-4)
    assert reader.spread == pytest.approx(np.std(seen), rel=1e-3)
    assert reader.separation is None
    found = read_tokens(tiny, TEXT, [reader])
    assert np.isnan(found.probability).all()
    assert direction_reader(tiny, direction).spread == reader.spread
    other = replace(direction, model_fingerprint="f" * 24)
    with pytest.raises(UserError, match="was made for"):
        direction_reader(tiny, other)


def test_special_tokens_and_sinks_are_told_apart(tiny: Model, home: Path, colours: Examples) -> None:
    reader = probe_readers(tiny, colours, [0], "diffmean")[0]
    found = read_tokens(tiny, "The film</s> was good and better.", [reader])
    assert found.masks[0, found.pieces.index("</s>")] == "special"
    sunk = _with_sink(tiny, found.ids, place=5)
    assert sunk == ["first" if place == 0 else "sink" if place == 5 else "" for place in range(len(sunk))]


def _with_sink(model: Model, ids: Sequence[int], place: int) -> list[str]:
    from core.activations.pooling import kept_tokens as kept_of
    from core.models import batch, counted_positions
    from core.probing.tokens import _masks

    plain = [id if id not in model.special_ids else 40 for id in ids]
    h = torch.ones(1, len(ids), 4)
    h[0, place] = 50
    return _masks(model, plain, kept_of(h, counted_positions(model, batch(model, [plain])), keep_sinks=False)[0])


def test_long_texts_are_cut_and_empty_ones_refused(tiny: Model, home: Path, colours: Examples) -> None:
    reader = probe_readers(tiny, colours, [0], "diffmean")[0]
    found = read_tokens(tiny, TEXT, [reader], max_length=5)
    whole = read_tokens(tiny, TEXT, [reader])
    assert (len(found.ids), found.cut) == (5, len(whole.ids) - 5)
    np.testing.assert_allclose(found.scores[0], whole.scores[0, :5], rtol=1e-4, atol=1e-5)
    for text in ("", "  \n", "a"):
        with pytest.raises(UserError, match="write"):
            read_tokens(tiny, text, [reader])
