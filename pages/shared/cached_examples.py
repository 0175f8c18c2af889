"""What pages keep of examples: uploaded tables as they were read, sets that were made of them, linters' reports."""

from __future__ import annotations

import streamlit as st

from core import spaces
from core.examples import Examples, Report, Table, join_near_repeats, lint, open_table, open_upload, read_table
from pages.shared import cached

_KEPT = 600  # seconds


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner="Reading the file …")
def table(name: str, data: bytes, encoding: str) -> Table:
    """An uploaded table; one object for all, which nobody changes. Raises UserError if it is none."""
    return read_table(name, data, encoding=encoding)


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner=False)
def of_table(
    name: str, data: bytes, encoding: str, text: str, label: str, positive: str | None, group: str, subgroup: str
) -> Examples:
    """Examples from columns of an uploaded table. group, subgroup: "" for none. Raises UserError."""
    return open_table(
        table(name, data, encoding),
        text_column=text,
        label_column=label,
        positive=positive,
        group_column=group,
        subgroup_column=subgroup,
    )


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner=False)
def of_text_file(name: str, data: bytes, encoding: str) -> Examples:
    """Examples from an uploaded TXT file that marks its lines. Raises UserError."""
    return open_upload(name, data, encoding=encoding)


@st.cache_resource(ttl=_KEPT, max_entries=16, show_spinner=False)
def _report(here: str, digest: str, names: tuple[str, ...], _examples: Examples) -> Report:
    return lint(_examples)


def report(examples: Examples) -> Report:
    """What the linter says of these examples."""
    return _report(spaces.space(), examples.digest, (examples.positive_name, examples.negative_name), examples)


@st.cache_resource(ttl=_KEPT, max_entries=4, show_spinner="Looking for near repeats …")
def _joined(here: str, digest: str, _examples: Examples) -> Examples:
    return join_near_repeats(_examples)


def joined(id: str) -> Examples:
    """The set with texts that are nearly the same in one group."""
    whole = cached.examples(id, None)
    return _joined(spaces.space(), whole.digest, whole)
