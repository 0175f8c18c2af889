"""`assets`: make anew what ships with the project (done by `make assets`, by its developers)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli import arguments
from core.errors import UserError
from core.progress import Listener

NAME = "assets"
HELP = "make anew the results that ship with the project"

Results = dict[str, dict[str, Any]]  # by their keys, as in the workspace


def norms(progress: Listener) -> Results:
    """Typical norms of the bundled model: a pass over the reference that would make the first visit wait."""
    from core.activations.reference import key_of, measure
    from core.examples import reference_texts
    from core.first_concept import MODEL
    from core.models import open_model

    model, texts = open_model(MODEL, device="cpu"), reference_texts()
    sites = [model.site(layer) for layer in range(model.n_layers)]
    found = measure(model, sites, texts, progress)
    return {key_of(model, site, texts): asdict(norm) for site, norm in found.items()}


def controls(progress: Listener) -> Results:
    """What the control sets of TCAV are, which takes the reading of all bundled sets."""
    from core.tcav.controls import controls_key, known_controls

    return {controls_key(): known_controls(progress=progress)}


def tcav(progress: Listener) -> Results:
    """The test that the TCAV page asks for by itself, and the tokens that its target stands for."""
    from core.first_concept import MODEL, TARGET, first_test
    from core.models import open_model
    from core.tcav.known import known_target, target_key

    model = open_model(MODEL, device="cpu")
    key, found = first_test(model, progress=progress)
    return {
        target_key(model, TARGET): asdict(known_target(model, TARGET)),
        key: {"results": list(found.results), "notes": list(found.notes)},
    }


def tour(progress: Listener) -> Results:
    """What the tour shows, which has a file of its own."""
    from core.first_concept import MODEL
    from core.models import open_model
    from core.tour import PATH, make_tour
    from core.workspace import write_json

    write_json(PATH, make_tour(open_model(MODEL, device="cpu"), progress=progress))
    return {}


def glossary(progress: Listener) -> Results:
    """docs/glossary.md, from the terms that pages explain."""
    from core.glossary import as_markdown
    from core.workspace import write_bytes

    write_bytes(Path(__file__).parents[2] / "docs" / "glossary.md", as_markdown().encode())
    return {}


PARTS: dict[str, Callable[[Listener], Results]] = {
    "norms": norms,
    "controls": controls,
    "tcav": tcav,
    "tour": tour,
    "glossary": glossary,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="A,B", help=f"only these, and keep the rest: {', '.join(PARTS)}")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.activations.results import BUNDLED
    from core.workspace import read_json, write_json

    chosen = list(PARTS) if args.only is None else arguments.words(args.only)
    if unknown := [name for name in chosen if name not in PARTS]:
        raise UserError(f"There is no part {unknown[0]!r} of the assets; there are {', '.join(PARTS)}.")
    found: Results = {} if args.only is None else read_json(BUNDLED) or {}
    for name in chosen:
        found |= PARTS[name](progress)
    write_json(BUNDLED, found)
    return {"path": str(BUNDLED), "results": len(found)}


def show(result: dict[str, Any]) -> str:
    return f"{result['results']} results in {result['path']}."
