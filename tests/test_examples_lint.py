"""The linter finds what was planted, says so once, and is silent about a set without faults."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.examples import (
    Examples,
    Report,
    from_lists,
    join_near_repeats,
    lint,
    open_examples,
    open_upload,
    overlap,
    save_examples,
    split,
)
from core.examples.checks_rows import half_width
from core.examples.finding import Finding, report_from_json
from core.stats import auroc

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu")


@pytest.fixture(autouse=True)
def fresh(home: Path) -> Path:
    return home


def sentence(draw: random.Random, words: int = 14) -> str:
    return " ".join("".join(draw.choices(SYLLABLES, k=2)) for _ in range(words))


def neutral(each: int = 600, seed: int = 0) -> tuple[list[str], list[str]]:
    """Positives and negatives that nothing tells apart."""
    draw = random.Random(seed)
    return [sentence(draw) for _ in range(each)], [sentence(draw) for _ in range(each)]


def found(examples: Examples, check: str) -> Finding | None:
    return next((one for one in lint(examples).findings if one.check == check), None)


def test_a_set_without_faults_is_passed_in_silence() -> None:
    report = lint(from_lists(*neutral()))
    assert report.findings == ()
    assert report.words is not None
    assert abs(report.length.auroc - 0.5) < 0.05
    assert report.words.low < 0.5 < report.words.high
    assert report.cut == 0


@pytest.mark.parametrize(
    ("spoil", "check", "severity"),
    [
        (lambda p, n: (p, n[:20]), "imbalance", "warning"),
        (lambda p, n: (p, n[:120]), "imbalance", "note"),
        (lambda p, n: ([text + " " + text for text in p], n), "length", "warning"),
        (lambda p, n: ([f"{text} zebra" for text in p], n), "few words", "warning"),
        (lambda p, n: ([text.capitalize() + "." for text in p], n), "few words", "warning"),
        (lambda p, n: (p, [*n[:-30], *p[:30]]), "both classes", "warning"),
        (lambda p, n: (p, [*n[:-2], *p[:2]]), "both classes", "note"),
        (lambda p, n: ([*p[:-9], *[text.upper() for text in p[:9]]], n), "repeats", "note"),
        (lambda p, n: ([*p[:-99], *[text + " too" for text in p[:99]]], n), "near repeats", "warning"),
        (lambda p, n: (p[:60], n[:60]), "too few", "note"),
        (lambda p, n: (p[:12], n[:12]), "too few", "warning"),
        (lambda p, n: (p[:3], n[:9]), "too few", "stop"),
        (lambda p, n: ([text * 20 for text in p], [text * 20 for text in n]), "truncation", "warning"),
        (lambda p, n: ([*p[:-1], "it was donâ€™t you know"], n), "encoding", "note"),
        (lambda p, n: ([*p[:-1], "half \ufffd a letter"], n), "encoding", "note"),
        (lambda p, n: ([*p[:-1], "a <br/> line &amp; more"], n), "markup", "note"),
        (lambda p, n: ([*p[:-1], "in\u200bvisible"], n), "hidden", "note"),
        (lambda p, n: ([*p[:-1], "?!"], n), "no words", "note"),
    ],
)
def test_what_is_planted_is_found(spoil: Callable[..., tuple[list[str], list[str]]], check: str, severity: str) -> None:
    examples = from_lists(*spoil(*neutral()))
    one = found(examples, check)
    assert one is not None
    assert one.severity == severity
    assert one.sentence.endswith(".")
    assert one.remedy.endswith(".")
    assert len(one.rows) <= one.n_rows
    assert all(0 <= row < len(examples) for row in one.rows)


def test_findings_name_the_rows() -> None:
    positives, negatives = neutral(100)
    positives[7], negatives[3] = "The same in both.", "the  same in BOTH."
    examples = from_lists(positives, negatives)
    torn = found(examples, "both classes")
    assert torn is not None
    assert torn.rows == (7, 103)
    repeated = found(examples, "repeats")
    assert repeated is not None
    assert repeated.rows == (103,)


def test_words_for_several_things_are_a_note_where_no_few_tell() -> None:
    draw = random.Random(3)
    good, bad = ([f"{sign}{i}" for i in range(60)] for sign in ("g", "b"))
    texts = [[" ".join([sentence(draw), *draw.sample(words, 4)]) for _ in range(600)] for words in (good, bad)]
    report = lint(from_lists(*texts))
    assert [one.check for one in report.findings] == ["words"]
    assert report.words is not None
    assert report.few is not None
    assert report.words.low > 0.9 > report.few.high


def test_the_top_words_carry_their_shares() -> None:
    positives, negatives = neutral(200)
    report = lint(from_lists([f"{text} zebra" for text in positives], [f"{negatives[0]} zebra", *negatives[1:]]))
    top = report.top[0]
    assert (top.word, top.positives, top.negatives) == ("zebra", 1.0, 1 / 200)
    assert report.few is not None
    assert report.few.auroc == pytest.approx(1.0, abs=0.02)


def test_near_repeats_are_measured_by_the_split_that_probing_makes() -> None:
    positives, negatives = neutral(200)
    examples = from_lists([*positives, *(f"{text} indeed" for text in positives[:50])], negatives)
    one = found(examples, "near repeats")
    assert one is not None
    assert one.n_rows == 100
    train, test = split(examples.labels, examples.groups)
    twin = {row: (row + 200 if row < 50 else row - 200) for row in [*range(50), *range(200, 250)]}
    parted = [row for row in test if twin.get(int(row)) in set(train.tolist())]
    assert f"{len(parted) / len(test):.1%} of the test part" in one.sentence
    joined = join_near_repeats(examples)
    assert found(joined, "near repeats") is None
    assert joined.groups.max() + 1 == examples.groups.max() + 1 - 50
    assert joined.digest != examples.digest
    assert joined.groups[0] == joined.groups[200]
    assert "50 groups were joined" in joined.notes[-1]
    kept = save_examples(joined, "joined")
    assert kept.digest == joined.digest


def test_overlap_of_a_set_to_learn_from_and_one_to_test_on() -> None:
    positives, negatives = neutral(50)
    train = from_lists(positives, negatives, "one")
    other = from_lists(*neutral(50, seed=9), "other")
    assert overlap(train, other) is None
    mixed = from_lists([*other.texts[:49], positives[4].upper()], [*other.texts[50:99], f"{negatives[7]} so"], "mixed")
    one = overlap(train, mixed)
    assert one is not None
    assert one.rows == (49, 99)
    assert "2 of the 100 texts of mixed (2.0%)" in one.sentence


def test_subgroups_are_looked_at() -> None:
    draw = random.Random(0)
    rows = [(sentence(draw), i % 2, "north") for i in range(200)]
    rows += [(sentence(draw), 1, "south") for _ in range(60)] + [(sentence(draw), i % 2, "rare") for i in range(6)]
    lines = "".join(f"{text},{label},{kind}\n" for text, label, kind in rows)
    examples = open_upload("x.csv", f"text,label,dialect\n{lines}".encode(), subgroup_column="dialect")
    few, sided = found(examples, "few of a kind"), found(examples, "one-sided subgroup")
    assert few is not None
    assert sided is not None
    assert "rare, south" in few.sentence
    assert "south have the same label" in sided.sentence
    assert sided.n_rows == 60


def test_a_group_that_is_most_of_the_set_is_told() -> None:
    positives, negatives = neutral(100)
    rows = [
        f"{text},{label},{'x' if i < 40 else i}"
        for label, texts in ((1, positives), (0, negatives))
        for i, text in enumerate(texts)
    ]
    examples = open_upload("x.csv", "\n".join(["text,label,group", *rows]).encode())
    one = found(examples, "large group")
    assert one is not None
    assert "40%" in one.sentence
    everything = open_upload(
        "x.csv", "\n".join(["text,label,group", *(f"{row[: row.rindex(',')]},x" for row in rows)]).encode()
    )
    report = lint(everything)
    assert [one.check for one in report.of("stop")] == ["too few"]
    assert (report.length.low, report.length.high, report.words) == (0, 1, None)


def test_tokens_that_were_counted_are_believed_over_an_estimate() -> None:
    examples = from_lists(*neutral(100))
    counted = [300 if row < 30 else 10 for row in range(200)]
    report = lint(examples, n_tokens=counted)
    assert report.exact
    assert report.cut == 0.15
    one = next(one for one in report.findings if one.check == "truncation")
    assert one.sentence.startswith("15% of the texts are longer than 256 tokens")
    assert one.rows == tuple(range(20))
    assert not lint(examples).exact
    assert lint(examples, max_length=8).cut == 1


@pytest.mark.parametrize(("negatives", "positives"), [(20, 20), (60, 15), (200, 300)])
def test_the_expected_interval_is_that_of_a_simulation(negatives: int, positives: int) -> None:
    """AUROC .8 of two exponentials, for which Hanley and McNeil's formula is exact."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [negatives, positives])
    areas = [
        auroc(labels, np.concatenate([rng.exponential(1, negatives), rng.exponential(4, positives)]))
        for _ in range(4_000)
    ]
    assert np.mean(areas) == pytest.approx(0.8, abs=0.005)
    assert half_width(negatives, positives) == pytest.approx(1.96 * np.std(areas), rel=0.06)


def test_a_report_is_kept_and_made_anew_when_something_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = from_lists(*neutral(50))
    first = lint(examples)
    written: list[Path] = []
    write = workspace.write_json
    monkeypatch.setattr(workspace, "write_json", lambda path, value: (written.append(path), write(path, value))[1])
    again = lint(examples)
    assert again == first
    assert written == []
    for changed in (
        lint(from_lists(examples.texts[:50], examples.texts[51:])),
        lint(examples, max_length=10),
        lint(examples, seed=1),
    ):
        assert isinstance(changed, Report)
    assert len(set(written)) == 3


def test_a_report_survives_json() -> None:
    for examples in (from_lists(*neutral(40)), from_lists(["a", "b"], ["c", "d"])):
        report = lint(examples)
        assert report_from_json(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize("id", ["92_glue_sst2", "100_news_fake", "49_cm_isshort", "shift/90_glue_qnli"])
def test_known_faults_of_bundled_sets_are_found(id: str, home_with_model: Path) -> None:
    """docs/examples.md tells of these; they were found by reading."""
    report = lint(open_examples(f"sae-probes/{id}", limit=1500))
    checks = {one.check: one for one in report.findings}
    if id == "92_glue_sst2":
        assert not {"few words", "length", "both classes", "encoding"} & set(checks)
    elif id == "100_news_fake":
        assert "“reuters”" in checks["few words"].sentence
    elif id == "49_cm_isshort":
        assert checks["length"].severity == "warning"
    else:
        assert checks["both classes"].sentence.startswith("22 texts")
