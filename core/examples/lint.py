"""Is this set fit to learn a concept from? Asked before anything is computed, and answered in about a second.

The checks stand in `checks_rows.py` (labels, groups, repeats), `checks_near.py` (near repeats), `checks_words.py`
(words that give the label away) and `checks_texts.py` (length, truncation, encoding). Thresholds are choices; each
stands beside its check.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core import workspace
from core.errors import UserError
from core.examples import checks_near, checks_rows, checks_texts, checks_words
from core.examples.examples import Examples, stratified_rows
from core.examples.finding import SEVERITIES, Finding, Report, report_from_json
from core.examples.grouping import tidied
from core.examples.splitting import split
from core.examples.words import read_words

VERSION = 2  # raised when findings change: part of the key of every kept report
MAX_LENGTH = 256  # tokens that a model is given of a text unless something else is said
TEST_SHARE = 0.3  # of the split that probing makes
# What is read word by word: enough for honest figures, little enough for a second.
_CHARACTERS, _SHORTEST_CUT, _LONGEST_CUT = 3_000_000, 150, 1_200


def lint(
    examples: Examples, *, max_length: int = MAX_LENGTH, n_tokens: Sequence[int] | None = None, seed: int = 0
) -> Report:
    """What somebody should know before a probe is trained on these examples. Kept in the workspace.

    max_length: tokens at which texts will be cut. n_tokens: (n,) tokens of each text as the model counts them; without
    it they are estimated from the number of bytes. seed: of the split that probing will use.
    """
    names = [examples.positive_name, examples.negative_name, examples.subgroup_name]
    counted = None if n_tokens is None else [int(number) for number in n_tokens]
    key = workspace.digest(["lint", VERSION, examples.digest, names, max_length, counted, seed])
    path = workspace.place("examples", "lint", f"{key}.json")
    kept = workspace.read_json(workspace.found("examples", "lint", path.name))
    if isinstance(kept, dict):
        return report_from_json(kept)
    made = _report(examples, max_length, counted, seed)
    workspace.write_json(path, made.to_json())
    return made


def _report(examples: Examples, max_length: int, n_tokens: list[int] | None, seed: int) -> Report:
    rows = np.arange(len(examples))
    most = _CHARACTERS // _SHORTEST_CUT
    if len(rows) > most:
        rows = stratified_rows(examples.labels, most, seed=seed)
    labels, groups = examples.labels[rows], examples.groups[rows]
    cut = int(np.clip(_CHARACTERS // len(rows), _SHORTEST_CUT, _LONGEST_CUT))
    words = read_words([examples.texts[row] for row in rows], cut=cut)
    try:
        parts = split(labels, groups, test_share=TEST_SHARE, seed=seed)
    except UserError:  # too few groups, which `too_few` says
        parts = None
    read = checks_words.read(words, labels, groups, parts)
    lengths = np.array([len(examples.texts[row]) for row in rows], dtype=float)
    length = checks_words.area(labels, lengths, groups)
    share_cut, of_cut = checks_texts.truncation(examples, max_length, n_tokens)
    keys = [tidied(text) for text in examples.texts]
    found: list[Finding | None] = [
        checks_rows.too_few(examples, test_share=TEST_SHARE),
        checks_rows.both_classes(examples, keys),
        checks_rows.repeats(keys),
        checks_near.near_repeats(examples, rows, words, parts),
        checks_rows.imbalance(examples),
        checks_rows.one_large_group(examples),
        *checks_rows.subgroups(examples),
        checks_texts.length(examples, length),
        *checks_words.findings(read),
        of_cut,
        *checks_texts.encoding(examples),
    ]
    findings = [one for one in found if one is not None]
    negatives, positives = checks_rows.independent(examples)
    return Report(
        findings=tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity))),
        rows=len(examples),
        length=length,
        words=read.words,
        few=read.few,
        top=read.top,
        half_width=checks_rows.half_width(TEST_SHARE * negatives, TEST_SHARE * positives),
        cut=share_cut,
        exact=n_tokens is not None,
        words_rows=len(rows),
    )
