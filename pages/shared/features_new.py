"""Ways to a dictionary: train or make one as a job, or bring one that lies on this machine's disk."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import jobs
from core.activations.costs import OPENING, forward
from pages.shared import running
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.recording import SITES
from pages.shared.text import duration, plain

# Of the trainer on one core for 4,096 features of width 576 (docs/benchmarks.md), and of first making the corpus.
STEPS_PER_SECOND, OF, CORPUS = 4400.0, 4096 * 576, 60.0


@dataclass(frozen=True)
class Way:
    """A kind of dictionary. learnt: whether it is trained on tokens."""

    title: str
    help: str
    learnt: bool = True
    sparse: bool = False


WAYS = {
    "topk": Way("TopK autoencoder", "k features per token, no more. A good first choice.", sparse=True),
    "batchtopk": Way("BatchTopK autoencoder", "k features per token on average, so that hard tokens have more."),
    "matryoshka": Way("Matryoshka autoencoder", "Nested groups: the first features are general, the last special."),
    "jumprelu": Way("JumpReLU autoencoder", "Each feature has a threshold of its own, which is learnt."),
    "gated": Way("Gated autoencoder", "Whether a feature is on is told apart from how strong it is."),
    "standard": Way("Standard autoencoder", "Positive codes with a penalty on their sum: the first of its kind."),
    "topafa": Way("Top-AFA autoencoder", "As many features per token as the token's norm asks for."),
    "neurons": Way("MLP neurons", "The model's own neurons, without any training: ready in seconds.", learnt=False),
    "components": Way("Principal components", "What varies most. Few, dense, quick; a control for others."),
    "snmf": Way("MLP factors (SNMF)", "Groups of neurons that are on together."),
}
WITHOUT = ("neurons", "components", "snmf")  # no gradient steps
SIZES = {"Try it": (2048, 200_000), "Small": (4096, 1_000_000), "Full": (8192, 8_000_000)}


def show(chosen: Chosen) -> None:
    """The ways, one a tab."""
    make, bring = st.tabs(["Train or make one", "Bring one"])
    with make, mendable():
        _make(chosen)
    with bring, mendable():
        _bring(chosen)


def _make(chosen: Chosen) -> None:
    way = st.selectbox(
        "Kind",
        list(WAYS),
        format_func=lambda name: WAYS[name].title,
        key="new_kind",
        help="  \n".join(f"**{one.title}**: {one.help}" for one in WAYS.values()),
    )
    st.caption(WAYS[way].help)
    left, right = st.columns(2)
    layer = int(left.number_input("Layer", 0, (chosen.layers or 10_000) - 1, chosen.layer, key="new_layer"))
    name = right.text_input(
        "Name",
        value=f"{_short(chosen.model)}-{layer}-{way}",
        max_chars=64,
        key=f"new_name_{way}_{layer}",
        help="Up to 64 letters, digits, '_', '.', '+' or '-'.",
    ).strip()
    arguments = ["sae", "train", chosen.model, "--layer", str(layer), "--method", way, "--save", name]
    if way == "neurons":
        seconds = OPENING
    elif way in WITHOUT:
        most = {"components": 128, "snmf": 100}[way]
        features = int(left.number_input("Features", 2, 100_000, most, key=f"new_features_{way}"))
        tokens = int(right.number_input("Tokens", 1000, 10_000_000, 20_000, step=1000, key="new_tokens"))
        arguments += ["--features", str(features), "--tokens", str(tokens)]
        seconds = OPENING + CORPUS + tokens / tokens_per_second(chosen, layer) + (way == "snmf") * 60
    else:
        size = left.selectbox(
            "Size",
            list(SIZES),
            key="new_size",
            format_func=lambda name: f"{name}: {SIZES[name][0]:,} features, {SIZES[name][1]:,} tokens",
            help="More features tell finer things apart, and need more tokens to be learnt.",
        )
        features, tokens = SIZES[size]
        arguments += ["--features", str(features), "--tokens", str(tokens)]
        if way in ("topk", "batchtopk", "matryoshka"):
            k = int(right.number_input("k", 1, 512, 32, key="new_k", help="Features that are on per token."))
            arguments += ["--set", f"k={k}"]
        per = 1 / tokens_per_second(chosen, layer) + features * 576 / OF / STEPS_PER_SECOND
        seconds = OPENING + CORPUS + tokens * per
    _start([*arguments, *as_arguments()], f"Make the dictionary {name}", f"Takes roughly {duration(seconds)} here.")


def _bring(chosen: Chosen) -> None:
    st.caption(
        "A directory as SAELens writes it, with `cfg.json` and `sae_weights.safetensors`, on the disk of the machine "
        "that runs Conceptscope. It is copied into the library; nothing in it is run."
    )
    path = st.text_input("Directory", key="bring_path", max_chars=1000, placeholder="/home/me/saes/layer-14").strip()
    left, right = st.columns(2)
    name = left.text_input("Name", key="bring_name", max_chars=64, help="Empty takes the directory's.").strip()
    layer = right.text_input(
        "Layer",
        key="bring_layer",
        max_chars=6,
        help="Only if its files do not say at which layer it reads. Counted from 0.",
    ).strip()
    site = left.selectbox("Site", list(SITES), format_func=SITES.__getitem__, key="bring_site", disabled=not layer)
    accept = right.checkbox(
        "I have looked: it belongs here",
        key="bring_accept",
        help="If its files name another model or place than this one, you are asked about it; this is the answer.",
    )
    if not path:
        return
    arguments = ["sae", "import", path, "--model", chosen.model, *(["--save", name] if name else [])]
    arguments += ["--layer", layer, "--site", site] if layer.isascii() and layer.isdigit() else []
    arguments += ["--accept"] if accept else []
    _start([*arguments, *as_arguments()], f"Bring {path}", "What it explains on 2,000 tokens is measured first.")


def _start(arguments: list[str], title: str, cost: str) -> None:
    id = jobs.job_id(arguments)
    job = jobs.find(id)
    if job is not None and job.state == "running":
        running.follow(id)
        return
    if job is not None and job.state != "done":
        running.problem(job)
    st.caption(plain(cost) + " It runs as a job: you can leave the page meanwhile.")
    if st.button("Start", key=f"start_{id}", icon=":material/play_arrow:", type="primary"):
        jobs.start(arguments, title)
        st.rerun()


def tokens_per_second(chosen: Chosen, layer: int) -> float:
    """Of reading the model up to a layer, on all cores."""
    return 1.0 / forward(1.0, chosen.layers, layer)


def _short(model: str) -> str:
    name = model.rstrip("/").split("/")[-1]
    return "".join(one if one.isalnum() or one in "-_." else "-" for one in name)[:32].strip("-.") or "model"
