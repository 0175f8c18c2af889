"""Lens panel: what the model would say after each of its layers, and where the chosen concept can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core import first_concept, jobs
from core.charts import Curve, heat_map, layer_curves
from core.concept.figures import sweep_figure
from core.glossary import defined
from pages.shared import cached, cached_lenses, running
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, go_to, no_concept
from pages.shared.hardware import as_arguments
from pages.shared.links import linked, remembered
from pages.shared.parts import part
from pages.shared.text import plain
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from core.lenses import LensReading, TunedLens

LENSES = {"logit": "Logit lens", "tuned": "Tuned lens"}
# What the colour of a cell is: title, end of its scale (None: as far as it goes), what the numbers mean.
COLOURS = {
    "probability": ("Probability", 1.0, "probability of the token in the cell, 0 to 1"),
    "kl": ("Distance to the end", None, "KL(final || layer) in nats, 0 where the layer says what the model says"),
    "entropy": ("Entropy", None, "entropy in nats: how undecided the layer is"),
    "rank": ("Rank of the followed token", None, "log10 of its place among all tokens: 0 is the likeliest"),
}
LONGEST = 128  # tokens of a prompt
COLUMNS = 14  # tokens that can be told apart side by side, with words in their cells


@part
def panel(chosen: Chosen) -> None:
    """Draw the panel for the sidebar's model and concept."""
    prompt = linked(
        st.text_area,
        "Prompt",
        key="prompt",
        default=first_concept.PROMPT,
        max_chars=4000,
        height=80,
        help="At each token, each layer is asked which token comes next.",
    )
    left, middle, right = st.columns(3)
    with left:
        kind = linked(
            st.segmented_control,
            "Lens",
            key="lens",
            default="logit",
            valid=LENSES.__contains__,
            options=list(LENSES),
            format_func=LENSES.__getitem__,
            required=True,
            help=f"**Logit lens**: {defined('logit lens')}  \n**Tuned lens**: {defined('tuned lens')} It says more "
            "about early layers.",
        )
    with middle:
        colour = linked(
            st.selectbox,
            "Colour",
            key="colour",
            default="probability",
            valid=COLOURS.__contains__,
            options=list(COLOURS),
            format_func=lambda name: COLOURS[name][0],
        )
    with right:
        followed = linked(
            st.text_input,
            "Token to follow",
            key="follow",
            default="",
            max_chars=60,
            help="Its rank is shown where one points. One token, with the space before it, such as “ great”. Empty: at "
            "each position the one that the model itself finds likeliest.",
        )
    with mendable():
        lens = None
        if kind == "tuned":
            lens = cached_lenses.tuned_lens(chosen.model)
            if lens is None:
                offer_to_train(chosen.model)
                return
        _draw(cached_lenses.lens_reading(chosen.model, prompt, lens, followed or None, LONGEST), colour)
        if lens is not None:
            _how_good(lens)


def offer_to_train(model: str) -> None:
    """Start the training of a tuned lens as a job, or follow it."""
    arguments = ["lens", "train", model, *as_arguments()]
    job = jobs.find(jobs.job_id(arguments))
    if job is not None and job.state == "running":
        running.follow(job.id)
    elif job is not None and job.state != "done":
        running.problem(job)
    else:
        st.info(
            "There is no tuned lens for this model yet. Training one reads the 2,000 texts of the reference twice: "
            "about a quarter of an hour for the bundled model on two cores, longer for larger ones. It goes on when "
            "you leave the page, and where it was stopped."
        )
        if st.button("Train the tuned lens", type="primary", icon=":material/play_arrow:", key="train_lens"):
            jobs.start(arguments, f"Train the tuned lens of {model}")
            st.rerun()


def _draw(found: LensReading, colour: str) -> None:
    n = len(found.ids)
    first = 0
    if n > COLUMNS:
        first = linked(
            st.slider,
            "First token shown",
            key="from_token",
            default=n - COLUMNS,
            read=int,
            valid=lambda place: isinstance(place, int) and 0 <= place <= n - COLUMNS,
            min_value=0,
            max_value=n - COLUMNS,
        )
    window = slice(first, first + COLUMNS)
    title, high, meaning = COLOURS[colour]
    values = {
        "probability": found.top_probabilities[:, :, 0],
        "kl": found.kl,
        "entropy": found.entropy,
        "rank": np.log10(found.rank),
    }[colour]
    figure = heat_map(
        np.asarray(values, dtype=float)[:, window],
        [str(layer) for layer in found.layers],
        [visible(piece) for piece in found.pieces[window]],
        title=title.lower(),
        texts=[[_short(visible(found.texts[int(ids[0])])) for ids in line] for line in found.top_ids[:, window]],
        hover=[[_hover(found, row, place) for place in range(n)[window]] for row in range(len(found.layers))],
        low=0.0,
        high=high,
        column_title="token of the prompt; in each cell the token that the layer finds likeliest to come next",
    )
    st.plotly_chart(
        figure,
        key="lens_map",
        config={"displayModeBar": False},
        alt=f"{LENSES[found.lens]}: the likeliest next token after each layer, for each token of the prompt",
    )
    st.caption(
        f"Colour: {meaning}. The top row is the model's own answer. Where one points, a star marks first and special "
        "tokens and sinks, whose streams serve the model for something else"
        + (", and which the lens was not trained on." if found.lens == "tuned" else ".")
    )
    if found.cut:
        st.caption(f"The last {found.cut:,} tokens of the prompt are left out: the lens reads {n:,} at the most.")


def _short(text: str) -> str:
    return text if len(text) <= 9 else text[:8] + "…"


def _hover(found: LensReading, row: int, place: int) -> str:
    star = "" if found.kept[row, place] else " *"
    ranked = zip(found.top_ids[row, place].tolist(), found.top_probabilities[row, place].tolist(), strict=True)
    return "\n".join(
        [
            f"layer {found.layers[row]}, after “{visible(found.pieces[place])}”{star}",
            *(f"{probability:.3f}  {visible(found.texts[id])}" for id, probability in ranked),
            f"“{visible(found.texts[int(found.chosen[place])])}”: rank {int(found.rank[row, place]):,}, "
            f"probability {found.chosen_probability[row, place]:.3g}",
            f"entropy {found.entropy[row, place]:.2f}, distance to the end {found.kl[row, place]:.2f} nats",
        ]
    )


def _how_good(lens: TunedLens) -> None:
    """Held-out divergence of both lenses by layer."""
    held_out: dict[str, Any] = lens.manifest["held_out"]
    by_layer = held_out["layers"]
    curves = [
        Curve(
            LENSES[name],
            [one["layer"] for one in by_layer],
            [one[f"{name}_kl"] for one in by_layer],
            [one[f"{name}_ci"][0] for one in by_layer],
            [one[f"{name}_ci"][1] for one in by_layer],
        )
        for name in ("tuned", "logit")
    ]
    with st.expander("How near the lenses come to the model's own answer"):
        st.plotly_chart(
            layer_curves(curves, title="KL(final || lens), nats", nothing=0.0, share=False, height=300),
            key="lens_quality",
            config={"displayModeBar": False},
            alt="Divergence of the logit lens and the tuned lens from the model's own answer, by layer",
        )
        st.caption(
            f"Mean over {held_out['n_tokens']:,} tokens of {held_out['n_texts']:,} texts that the lens was not trained "
            "on, with 95% intervals (bootstrap of whole texts); 0 is the model's own answer. Trained on "
            f"{lens.manifest['n_train_tokens']:,} tokens of {lens.manifest['n_train_texts']:,} texts."
        )


def readability(chosen: Chosen) -> None:
    """AUROC of the chosen concept by layer, from a sweep that was computed before."""
    if chosen.info is None:
        no_concept()
        return
    with mendable():
        limit = remembered("limit", first_concept.LIMIT)
        sweep = cached.known_sweep(chosen.model, chosen.concept, limit, None, ("logistic", "diffmean"), "mean")
        st.markdown(f"**{plain(chosen.info.title)}**: how well it is read after each layer")
        if sweep is None:
            st.info("No sweep over all layers has been computed for this concept and model yet.")
        else:
            st.plotly_chart(
                sweep_figure(sweep),
                key="lens_readability",
                config={"displayModeBar": False},
                alt=f"AUROC by layer of probes for {chosen.info.title}",
            )
        go_to("probing", "Probe this concept", icon=":material/query_stats:")
