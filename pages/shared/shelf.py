"""What is at hand: models that can be opened, and activations kept on disk."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import spaces, workspace
from core.models import list_models
from pages.shared.text import plain, size


def models_at_hand() -> None:
    """A table of models."""
    models = list_models()
    st.dataframe(
        pd.DataFrame(
            {
                "model": [one.id for one in models],
                "reads": ["texts" if one.kind == "text" else "images" for one in models],
                "layers": [one.layers for one in models],
                "width": [one.width for one in models],
                "ready": [one.ready for one in models],
                "source": [one.source for one in models],
            }
        ),
        hide_index=True,
        column_config={
            "model": st.column_config.TextColumn("model", help="What you choose in the sidebar"),
            "reads": st.column_config.TextColumn("reads", help="What goes into the model"),
            "layers": st.column_config.NumberColumn("layers", help="Blocks, counted from 0; known once it was opened"),
            "width": st.column_config.NumberColumn(
                "width", help="Numbers in an activation after a layer (images: the last)"
            ),
            "ready": st.column_config.CheckboxColumn("ready", help="Opens without a download or conversion"),
            "source": st.column_config.TextColumn("source", help="Where its weights come from"),
        },
        alt="Models at hand",
    )


def activations_on_disk() -> None:
    """How much is stored, and where."""
    stores, n_bytes = 0, 0
    for folder in workspace.place("activations", "x").parent.glob("*/"):
        stores += 1
        n_bytes += sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    kept = f"{stores:,} sets of stored activations, {size(n_bytes)}" if stores else "no stored activations yet"
    st.caption(
        f"{'Your space' if spaces.space() else f'Workspace {plain(str(workspace.home()))}'}: {kept}.",
        help="Activations of one set of texts at one layer, kept so that nothing is computed twice. They lie in the "
        "workspace (`CONCEPTSCOPE_HOME`, by default `~/.cache/conceptscope`) and may be deleted at any time.",
    )
