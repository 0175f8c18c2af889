"""How concepts lie in a dictionary: what a few features tell, whether they act alone, and whether words absorb them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core import jobs
from core.activations.costs import OPENING
from pages.shared import features_new, running
from pages.shared.downloads import file_part, json_button
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.text import duration, plain

if TYPE_CHECKING:
    from pages.shared.cached_features import Opened

TEXTS, TOKENS, WORDS = 2400, 100, 30_000  # of the six bundled sets, and of the lines that end with a word
FITS = 60.0  # seconds of probes
SPARSE_HELP = (
    "AUROC of a logistic probe on so many features alone, 0.5 is chance, 1 is perfect, on the half of the texts that "
    "had no part in choosing them (Gurnee et al. 2023). A text is the mean of its codes."
)
OWN_HELP = (
    "Drop of the accuracy, in parts of 1, of each concept's probe when the features that speak for that concept most "
    "are taken out of the activations. A probe that then takes all texts for one class has dropped to 0.5; one that is "
    "turned round falls further."
)
ABSORBED_HELP = (
    "Share of held-out words whose first letter a probe reads though none of the letter's features is on, while "
    "another feature, often the word's own, carries most of it (Chanin et al. 2024). Mean over letters. 0 is best."
)


def show(opened: Opened, chosen: Chosen, since: float) -> None:
    """The last result that is not older than `since` (seconds), or the offer to measure."""
    name = opened.dictionary.name
    arguments = ["sae", "probe", name, "--model", chosen.model, *as_arguments()]
    job = jobs.find(jobs.job_id(arguments))
    if job is not None and job.started < since:  # of another dictionary that had its name
        job = None
    if job is not None and job.state == "done" and job.result:
        _sparse(job.result["sparse"])
        if job.result["perturbation"]:
            _perturbed(job.result["perturbation"])
        elif job.result.get("unperturbed"):
            st.caption(plain(job.result["unperturbed"]))
        if job.result["absorption"]:
            _absorbed(job.result["absorption"])
        result = job.result
        json_button(lambda: result, f"concepts-{file_part(name)}.json")
        return
    if job is not None and job.state == "running":
        running.follow(job.id)
        return
    if job is not None and job.state != "done":
        running.problem(job)
    speed = features_new.tokens_per_second(chosen, opened.dictionary.card.layer or 0)
    seconds = OPENING + FITS + (TEXTS * TOKENS + WORDS) / speed
    st.caption(
        "Six bundled sets and the first letters of single words: what one, two or five features tell, what falls with "
        f"them, and where a word's own feature stands in for its letter's. Roughly {duration(seconds)} on this machine."
    )
    if st.button("Probe", key="probe_dictionary", icon=":material/play_arrow:"):
        jobs.start(arguments, f"Probe {name}")
        st.rerun()


def _sparse(found: list[dict[str, Any]]) -> None:
    ks = sorted({probe["k"] for one in found for probe in one["probes"]})
    rows = [
        {
            "set": one["examples_id"].split("/")[-1],
            **{_few(probe["k"]): probe["auroc"] for probe in one["probes"]},
            "from": one["probes"][0]["interval"][0],
            "to": one["probes"][0]["interval"][1],
            "coordinate": one["probes"][0]["coordinates"],
            "at random": one["probes"][0]["random"],
            "whole": one["whole"],
            "feature": one["probes"][0]["features"][0],
        }
        for one in found
    ]
    number = st.column_config.NumberColumn
    st.markdown("**What few features tell**", help=SPARSE_HELP)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            **{_few(k): number(_few(k), format="%.3f", help=SPARSE_HELP) for k in ks},
            "from": number("from", format="%.3f", help="Lower end of the 95% interval of one feature's AUROC"),
            "to": number("to", format="%.3f", help="Upper end of it"),
            "coordinate": number("1 coordinate", format="%.3f", help="The same with the best coordinate"),
            "at random": number("1 at random", format="%.3f", help="Control: mean of five random features"),
            "whole": number("whole", format="%.3f", help="A logistic probe on the whole mean activation: the limit"),
            "feature": number("feature", format="%d", help="The first feature that was chosen"),
        },
        alt="Held-out AUROC of probes on few features",
    )


def _few(k: int) -> str:
    return "1 feature" if k == 1 else f"{k} features"


def _perturbed(found: dict[str, Any]) -> None:
    rows = [
        {
            "taken out": _few(one["n_features"]),
            "score": one["score"],
            "from": one["interval"][0],
            "to": one["interval"][1],
            **{name: one[name] for name in ("own", "others", "random")},
        }
        for one in found["results"]
    ]
    number = st.column_config.NumberColumn
    st.markdown(
        "**What falls when they are taken out**",
        help="Targeted probe perturbation (Karvonen et al. 2025): features of one concept should break that concept's "
        "probe, and no other's.",
    )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "score": number("score", format="%.3f", help="own - others: 0 says that nothing is apart"),
            "from": number("from", format="%.3f", help="Lower end of the 95% interval: texts drawn again"),
            "to": number("to", format="%.3f", help="Upper end of it"),
            "own": number("own", format="%.3f", help=OWN_HELP),
            "others": number("others", format="%.3f", help="The same of the other concepts' probes"),
            "random": number("at random", format="%.3f", help="Control: own, with as many random features"),
        },
        alt="Drop of accuracies with features taken out",
    )
    st.caption(f"The probes' mean accuracy before is {sum(found['clean']) / len(found['clean']):.1%}.")


def _absorbed(found: dict[str, Any]) -> None:
    st.markdown("**First letters**", help="Whether a word's own feature stands in for its first letter's.")
    columns = st.columns(4)
    low, high = found["interval"] or (float("nan"), float("nan"))
    columns[0].metric(
        "Absorbed", f"{found['absorbed']:.1%}", help=f"{ABSORBED_HELP} 95% interval {low:.1%} to {high:.1%}."
    )
    columns[1].metric("Control", f"{found['control']:.1%}", help="The same for another letter's probe.")
    columns[2].metric(
        "Missed", f"{found['missed']:.1%}", help="Share of those words at which none of the letter's features is on."
    )
    columns[3].metric(
        "Part of others",
        f"{found['fraction']:.1%}",
        help="What other features have in what both kinds write along the letter's probe, 0 to 1: mean over words.",
    )
    table = pd.DataFrame(
        [{**one, "main": ", ".join(str(feature) for feature in one["main"])} for one in found["letters"]]
    )
    number = st.column_config.NumberColumn
    with st.expander("Letter by letter"):
        st.dataframe(
            table,
            hide_index=True,
            column_config={
                "words": number("words", format="%d", help="Held-out words that the probe gets right"),
                "probe": number("probe", format="%.3f", help="AUROC of the letter's probe on held-out words"),
                "main": st.column_config.TextColumn("features", help="Those that are on at the letter's words"),
                "f1": number("F1", format="%.3f", help="How well their being on tells the letter, 0 to 1"),
                **{
                    part: number(part, format="%.3f", help="As above, of this letter")
                    for part in ("missed", "absorbed", "control", "fraction")
                },
            },
            alt="Absorption letter by letter",
        )
        if found["unread"]:
            st.caption(f"The probe gets no held-out word right for {plain(', '.join(found['unread']))}.")
