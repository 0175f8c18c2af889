"""The words of the field, each in one plain sentence: what pages say where one points, and docs/glossary.md.

A term is defined here and nowhere else; a page adds what holds for its own figure, such as the rows it was measured on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """name: as pages write it. meaning: a sentence. range: its values and which of them mean nothing, or "". paper,
    link: where it comes from, or ""."""

    name: str
    meaning: str
    range: str = ""
    paper: str = ""
    link: str = ""

    @property
    def told(self) -> str:
        """All of it as markdown: for help texts."""
        source = f"([{self.paper}]({self.link}))" if self.link else f"({self.paper})" if self.paper else ""
        return " ".join(filter(None, (self.meaning, self.range, source)))


_ARXIV = "https://arxiv.org/abs/"

TERMS: dict[str, Term] = {
    "activation": Term(
        "Activation",
        "The list of numbers that stands for a token, or for a place in an image, after some layer of the model.",
    ),
    "layer": Term(
        "Layer",
        "A block of the model, counted from 0; “layer L” is the residual stream after block L, which is what the model "
        "has gathered about each token by then.",
        paper="Elhage et al. 2021",
        link="https://transformer-circuits.pub/2021/framework/index.html",
    ),
    "concept": Term(
        "Concept",
        "Whatever examples show: texts or images that have it (positives) and others that have not (negatives).",
        paper="Kim et al. 2018",
        link=f"{_ARXIV}1711.11279",
    ),
    "probe": Term(
        "Probe",
        "A simple classifier that reads a concept from activations; that it can does not mean that the model uses it.",
        paper="Alain and Bengio 2016",
        link=f"{_ARXIV}1610.01644",
    ),
    "auroc": Term(
        "AUROC",
        "Area under the ROC curve: the chance that a random positive scores higher than a random negative.",
        "0 to 1: 0.5 is guessing, 1 is perfect.",
        "Hanley and McNeil 1982",
        "https://doi.org/10.1148/radiology.143.1.7063747",
    ),
    "interval": Term(
        "95% interval",
        "What the number would vary within if the rows were drawn anew, by bootstrap, repeated texts together.",
        paper="Efron 1987",
        link="https://doi.org/10.1080/01621459.1987.10478410",
    ),
    "shuffled labels": Term(
        "Shuffled labels",
        "A control: the same probe trained on labels that were dealt at random.",
        "AUROC about 0.5 where nothing leaks.",
    ),
    "selectivity": Term(
        "Selectivity",
        "Accuracy minus that of the same probe on a control task: random labels for each text's first content word, "
        "the same in training and test.",
        "−1 to 1. High: the probe reads what the activations hold. Near 0: it could learn anything.",
        "Hewitt and Liang 2019, for pooled texts",
        f"{_ARXIV}1909.03368",
    ),
    "code length": Term(
        "Code length",
        "Bits that tell all training labels to somebody who has the activations, block by block with the probe of what "
        "was told before.",
        "Above 0; without activations it takes one bit a label, fewer where one class is rare.",
        "Voita and Titov 2020, online code",
        f"{_ARXIV}2003.12298",
    ),
    "compression": Term(
        "Compression",
        "Bits without activations (a bit a label, or fewer by the share of positives so far) over bits with them.",
        "1 where they help nothing, higher where few examples suffice.",
        "Voita and Titov 2020, who take one bit a label",
        f"{_ARXIV}2003.12298",
    ),
    "direction": Term(
        "Direction",
        "A unit vector in the activations of one layer that points from the negatives of a concept to its positives.",
        paper="Park et al. 2023",
        link=f"{_ARXIV}2311.03658",
    ),
    "difference of means": Term(
        "Difference of means",
        "The direction from the mean activation of the negatives to that of the positives.",
        paper="Marks and Tegmark 2023",
        link=f"{_ARXIV}2310.06824",
    ),
    "cosine": Term(
        "Cosine",
        "How far two directions point the same way.",
        "−1 to 1: 0 is unrelated, −1 opposite; two random directions of width d stay within about 2/√d.",
    ),
    "cav": Term(
        "CAV",
        "Concept activation vector: the direction of a concept whose effect on the model's answer is tested.",
        paper="Kim et al. 2018",
        link=f"{_ARXIV}1711.11279",
    ),
    "sign score": Term(
        "Sign score",
        "The familiar TCAV number: share of the inputs on which the answer grows along the CAV.",
        "0 to 1: 0.5 is a direction that points nowhere.",
        "Kim et al. 2018",
        f"{_ARXIV}1711.11279",
    ),
    "mean derivative": Term(
        "Mean derivative",
        "Mean over the inputs of how fast the answer changes along the CAV, in nats (images: logits) per unit of "
        "activation.",
        "No bounds; 0: not at all.",
        "Kim et al. 2018, before the sign is taken",
        f"{_ARXIV}1711.11279",
    ),
    "mean cosine": Term(
        "Mean cosine",
        "Mean over the inputs of the cosine between gradient and CAV: the derivative without the gradients' lengths.",
        "−1 to 1; directions at random have about 0.",
    ),
    "z": Term(
        "z",
        "How far the statistic (mean of unit gradient · CAV) lies from where it falls when the labels of positives and "
        "negatives are dealt anew, in standard deviations of those.",
        "Beyond ±2 or so is rare by chance.",
    ),
    "adjusted p": Term(
        "Adjusted p",
        "Chance of so large a statistic if positives and negatives were alike: labels dealt anew, whole groups, at "
        "least 999 times; adjusted for all layers, answers, kinds of CAV and concepts of the test.",
        "0 to 1.",
        "Westfall and Young 1993; Holm 1979",
        "https://www.jstor.org/stable/4615733",
    ),
    "adjusted p (benjamini–hochberg)": Term(
        "Adjusted p (Benjamini–Hochberg)",
        "Where everything with a p up to this one is called a finding, at most this share of the findings is false on "
        "average; it says less of any one of them than a p that is adjusted against every false alarm.",
        "0 to 1.",
        "Benjamini and Hochberg 1995",
        "https://doi.org/10.1111/j.2517-6161.1995.tb02031.x",
    ),
    "push effect": Term(
        "Push effect",
        "Half the measured change of the answer between real pushes of +0.1 and −0.1 typical norms along the CAV, in "
        "nats (images: logits); not a gradient, the model is run.",
    ),
    "push rank": Term(
        "Push rank",
        "Place of that push among those of 20 random directions; the worse of the doses 0.1 and 0.5.",
        "1 (the largest) to 21; only rank 1 counts as acting.",
    ),
    "specificity": Term(
        "Specificity",
        "Share of the control concepts, about as readable as this one, whose mean cosine is smaller.",
        "0 to 1; at least 0.95 of at least 40 counts as beyond other concepts.",
    ),
    "dictionary": Term(
        "Dictionary",
        "A large set of directions of which few at a time, added up, rebuild each activation; a sparse autoencoder "
        "(SAE) is one that was learnt.",
        paper="Bricken et al. 2023",
        link="https://transformer-circuits.pub/2023/monosemantic-features/index.html",
    ),
    "feature": Term(
        "Feature",
        "One entry of a dictionary, which is on at few tokens and off at all others.",
        paper="Cunningham et al. 2023",
        link=f"{_ARXIV}2309.08600",
    ),
    "code": Term(
        "Code",
        "How strongly a feature is on at a token.",
        "0 is off; no upper bound.",
        "Gao et al. 2024",
        f"{_ARXIV}2406.04093",
    ),
    "density": Term(
        "Density",
        "Share of the tokens on which a feature is on.",
        "0 (dead) to 1; above a tenth it is called dense, and seldom has one meaning.",
        "Bricken et al. 2023",
        "https://transformer-circuits.pub/2023/monosemantic-features/index.html",
    ),
    "label score": Term(
        "Label score",
        "How well a label tells tokens or texts on which its feature is on from others, on texts that had no part in "
        "making it: an AUROC of detection.",
        "0 to 1: 0.5 is chance, 1 is perfect.",
        "Paulo et al. 2024",
        f"{_ARXIV}2410.13928",
    ),
    "dose": Term(
        "Dose",
        "Strength of a push, counted in typical norms of the layer, so that doses mean the same at every layer.",
        "0 is no push; texts usually break between 0.5 and 1.",
        "Turner et al. 2023, whose coefficients are raw",
        f"{_ARXIV}2308.10248",
    ),
    "typical norm": Term(
        "Typical norm",
        "Median length of the activations after a layer over reference texts, without first and special tokens and "
        "sinks.",
    ),
    "sink": Term(
        "Sink",
        "A token, often the first, on which attention rests and whose activation is many times as long as others'.",
        "Here: above 5 times the median length.",
        "Xiao et al. 2023",
        f"{_ARXIV}2309.17453",
    ),
    "kl": Term(
        "KL",
        "How far the steered next-token distribution lies from the plain one, per token, in nats.",
        "0 (the same) and up.",
        "Kullback and Leibler 1951",
        "https://doi.org/10.1214/aoms/1177729694",
    ),
    "perplexity": Term(
        "Perplexity",
        "How surprised the plain model is by a text: e to the mean surprise per token.",
        "1 and up; the number of tokens that it would seem to choose among.",
    ),
    "logit lens": Term(
        "Logit lens",
        "What the model would say if it stopped after a layer: the stream there, through the final norm and the "
        "unembedding.",
        paper="nostalgebraist 2020",
        link="https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens",
    ),
    "tuned lens": Term(
        "Tuned lens",
        "The same through a linear map per layer that was trained to say what the last layer says.",
        paper="Belrose et al. 2023",
        link=f"{_ARXIV}2303.08112",
    ),
}


def defined(key: str) -> str:
    """A term's sentence, range and paper, as markdown."""
    return TERMS[key].told


def as_markdown() -> str:
    """docs/glossary.md."""
    rows = [f"| {term.name} | {term.meaning} | {term.range} | {_source(term)} |" for term in TERMS.values()]
    head = (
        "# Glossary\n\nWhat the pages say where one points at a word. Made by `make assets` from `core/glossary.py`,"
        " where a term is\ndefined and nowhere else.\n\n"
    )
    return head + "\n".join(["| word | meaning | range | from |", "|---|---|---|---|", *rows]) + "\n"


def _source(term: Term) -> str:
    return f"[{term.paper}]({term.link})" if term.link else term.paper
