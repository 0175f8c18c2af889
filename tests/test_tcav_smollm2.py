"""A real concept in the real bundled model: good reviews, and whether " good" or " bad" comes next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.examples import open_examples
from core.models import Model
from core.tcav import Settings, make_inputs, tcav, word_target
from core.tcav.acting import SMALL
from core.tcav.cavs import kind_named
from core.tcav.changes import changes
from core.tcav.entanglement import cav_of
from core.tcav.readers import reader_of
from core.tcav.recorded import record_concept
from core.tcav.sources import source_of

SST2 = "sae-probes/92_glue_sst2"


@pytest.mark.slow
def test_sentiment_moves_good_against_bad_and_so_does_a_real_push(smollm2: Model, home_with_model: Path) -> None:
    examples, target = open_examples(SST2, limit=300), word_target(smollm2, "good|bad")
    inputs = make_inputs(SST2, open_examples(SST2, limit=340).texts[-40:])
    settings = Settings(kinds=("diffmean",))
    found = tcav(smollm2, [examples], [target], inputs, [14], settings=settings, pushed=0)
    (one,) = found.results
    assert one["p_adjusted"] < 0.01
    assert one["z"] > 3
    assert one["mean_cosine"] > 0.03
    assert one["auroc_p"] < 0.01
    site, texts, reader = smollm2.site(14), inputs.items[:12], reader_of(smollm2)
    concept = record_concept(reader, source_of(examples), [site], inputs.items)
    cav = cav_of(concept, 0, kind_named("diffmean"), None)  # type: ignore[arg-type]  # a plain mean needs no metric
    moved = changes(reader, target, texts, site, cav[None], [-SMALL, SMALL]).mean(axis=2)[0]
    assert moved[0] < 0 < moved[1]
    assert np.ptp(moved) > 0.1
