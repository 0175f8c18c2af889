"""The wheel's sets are those that its master table calls binary, described by hand, and opened as they stand."""

import csv
import io
import threading
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import zstandard

from core.errors import UserError
from core.examples import (
    bundled,
    catalogue,
    from_lists,
    lint,
    open_examples,
    prepare,
    save_examples,
    shift_partner,
    split,
)
from core.examples.grouping import tidied
from core.progress import Progress


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path))
    return tmp_path


def wheel_file(file: str) -> list[dict[str, str]]:
    path = Path(str(metadata.distribution("sae-probes").locate_file("sae_probes/data"))) / file
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_describes_exactly_the_binary_sets() -> None:
    master = wheel_file("probing_datasets_MASTER.csv.zst")
    binary = [
        Path(row["Dataset save name"]).stem for row in master if row["Data type"].strip() == "Binary Classification"
    ]
    folder = Path(str(metadata.distribution("sae-probes").locate_file("sae_probes/data"))) / "OOD data"
    shifted = [path.name.removesuffix("_OOD.csv.zst") for path in folder.glob("*_OOD.csv.zst")]
    assert len(binary) == 113
    assert len(shifted) == 8
    assert set(bundled.bundled_sets()) == {*binary, *("shift/" + stem for stem in shifted)}


def test_each_file_has_two_labels_of_which_the_table_names_one() -> None:
    for found in bundled.bundled_sets().values():
        values = {row["target"] for row in wheel_file(found.file)}
        assert len(values) == 2, found.name
        assert found.positive_label in values, found.name


def test_the_catalogue_is_counted_once_and_then_quick(workspace: Path) -> None:
    seen: list[Progress] = []
    prepare(seen.append)
    assert (seen[-1].done, seen[-1].total) == (121, 121)
    started = time.process_time()
    infos = catalogue()
    assert time.process_time() - started < 0.3
    sizes = {info.id: (info.positives, info.negatives) for info in infos}
    assert len(sizes) == 121
    assert sizes["sae-probes/92_glue_sst2"] == (2500, 2500)
    assert sizes["sae-probes/95_toxic_is"] == (364, 364)
    assert sizes["sae-probes/shift/5_hist_fig_ismale"] == (156, 143)
    assert all(info.title and info.subject and info.positive_name != info.negative_name for info in infos)
    assert len({info.title for info in infos}) == 121
    # A damaged count is made again, not believed.
    [cached] = (workspace / "examples" / "bundled").iterdir()
    cached.write_text(cached.read_text()[:1000])
    assert catalogue() == infos


def test_many_may_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    few = dict(list(bundled.bundled_sets().items())[-8:])  # the small ones: counting all takes seconds
    monkeypatch.setattr(bundled, "bundled_sets", lambda: few)
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(len(catalogue()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [8] * 4
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mine")
    assert [info.id for info in catalogue()][:2] == ["mine", "sae-probes/shift/5_hist_fig_ismale"]


def test_sources_are_filled_down_their_block_and_no_further() -> None:
    assert bundled.source("92_glue_sst2") == "https://huggingface.co/datasets/nyu-mll/glue/viewer/sst2"
    assert bundled.source("52_virtue_is") == "https://github.com/hendrycks/ethics"  # "^": as above
    assert bundled.source("107_hate_offensive") == bundled.source("106_hate_hate")  # empty: as above
    assert bundled.source("116_nyc_borough_Bronx").endswith("nyc_place.csv")  # that of the multiclass set
    assert "names no further source" in bundled.source("154_athlete_sport_football")
    assert "SAEBench" in bundled.source("159_code_Python")
    assert bundled.source("shift/87_glue_cola").startswith("sae-probes 0.4.2, after https://")


def test_shifted_sets_know_where_they_are_from() -> None:
    shifted = [found.id for name, found in bundled.bundled_sets().items() if name.startswith("shift/")]
    assert shift_partner("sae-probes/87_glue_cola") == "sae-probes/shift/87_glue_cola"
    assert [shift_partner(shift_partner(id) or "") for id in shifted] == shifted
    assert shift_partner("sae-probes/92_glue_sst2") is None
    assert shift_partner("mine") is None
    assert sum(shift_partner(found.id) is not None for found in bundled.bundled_sets().values()) == 16


def test_a_set_opens_as_it_stands_in_the_file() -> None:
    rows = wheel_file("cleaned_data/105_click_bait.csv.zst")
    examples = open_examples("sae-probes/105_click_bait")
    assert list(examples.texts) == [row["prompt"] for row in rows]
    assert examples.labels.tolist() == [int(row["target"] == "clickbait") for row in rows]
    assert (examples.positive_name, examples.negative_name) == ("clickbait", "factual headline")
    assert len(examples.digest) == 24
    with pytest.raises(ValueError, match="read-only"):
        examples.labels[0] = 1


def test_repeated_texts_stay_together_and_are_told() -> None:
    examples = open_examples("sae-probes/95_toxic_is")
    assert any("3 texts stand among positives and negatives" in one.sentence for one in lint(examples).findings)
    train, test = split(examples.labels, examples.groups)
    assert not {tidied(examples.texts[row]) for row in train} & {tidied(examples.texts[row]) for row in test}


def test_a_limit_is_stratified_stable_and_in_file_order() -> None:
    whole = open_examples("sae-probes/shift/5_hist_fig_ismale")  # 156 positives, 143 negatives
    part, again = (open_examples("sae-probes/shift/5_hist_fig_ismale", limit=100) for _ in range(2))
    assert (part.n_positives, part.n_negatives) == (52, 48)
    assert part.digest == again.digest != whole.digest
    rows = iter(zip(whole.texts, whole.labels.tolist(), strict=True))
    assert all(row in rows for row in zip(part.texts, part.labels.tolist(), strict=True))  # a subsequence
    smaller = open_examples("sae-probes/shift/5_hist_fig_ismale", limit=40)
    assert set(smaller.texts) <= set(part.texts)
    assert open_examples("sae-probes/shift/5_hist_fig_ismale", limit=5000).digest == whole.digest
    assert part.groups.max() + 1 == len(np.unique(part.groups))
    with pytest.raises(UserError, match="at least 4"):
        open_examples("sae-probes/shift/5_hist_fig_ismale", limit=3)


def test_an_unknown_id_is_told_with_the_nearest_that_exists() -> None:
    with pytest.raises(UserError, match="did you mean 'sae-probes/92_glue_sst2'"):
        open_examples("sae-probs/92_glue_sst2")
    with pytest.raises(UserError, match="sae-probes/92_glue_sst2"):
        open_examples("92_glue_sst2")
    with pytest.raises(UserError, match="no bundled examples"):
        open_examples("sae-probes/93_glue_stsb")  # continuous, so not among them


def test_without_the_wheel_there_are_still_the_saved_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", missing)
    assert catalogue() == []
    with pytest.raises(UserError, match="make setup"):
        open_examples("sae-probes/92_glue_sst2")
