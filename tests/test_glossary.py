"""Terms are defined once: in core/glossary.py, from which docs/glossary.md is made and help texts are taken."""

from __future__ import annotations

import re
from pathlib import Path

from core.glossary import TERMS, as_markdown, defined
from tests.house import files

ROOT = Path(__file__).resolve().parent.parent


def test_the_docs_say_the_same() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text("utf-8") == as_markdown(), "run `make assets`"


def test_a_help_text_holds_meaning_range_and_paper() -> None:
    told = defined("auroc")
    assert told.startswith("Area under the ROC curve")
    assert "0.5 is guessing" in told
    assert "([Hanley and McNeil 1982](https://doi.org/10.1148/radiology.143.1.7063747))" in told


def test_terms_are_sentences_with_papers_that_are_linked() -> None:
    for key, term in TERMS.items():
        assert term.meaning.endswith("."), key
        assert "|" not in term.told, key
        assert not term.link or (term.paper and term.link.startswith("https://")), key
        assert key == term.name.lower() or key in {"interval"}, key


def test_pages_define_no_term_again() -> None:
    sources = {path: (ROOT / path).read_text("utf-8") for path in files() if path.startswith(("pages/", "core/"))}
    asked = {key for source in sources.values() for key in re.findall(r"""\bdefined\(["']([^"']+)["']\)""", source)}
    assert len(asked) > 15
    assert asked <= set(TERMS)
    beginnings = {term.meaning[:40] for term in TERMS.values()}
    again = [
        (path, words)
        for path, source in sources.items()
        for words in beginnings
        if path != "core/glossary.py" and words in source
    ]
    assert again == []
