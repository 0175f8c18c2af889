"""`models needs`: how much memory a model takes, before it is loaded."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from core.cli import arguments
from core.progress import Listener

NAME = "models needs"
HELP = "how much memory a language model takes, told from its config without loading it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="smollm2, a model or adapter directory, a hub id")
    arguments.add_hardware(parser)


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.models import needs_of

    needs = needs_of(args.model, device=args.device, dtype=args.dtype)
    return {**asdict(needs), "fits": needs.fits}


def show(result: dict[str, Any]) -> str:
    def size(name: str) -> str:
        return f"{result[name] / 1e9:,.2f} GB"

    verdict = "fits" if result["fits"] else "does not fit"
    lines = [
        f"{result['model']} on {result['device']} in {result['dtype']}: {result['parameters']:,} parameters,"
        f" {size('weights')} of weights.",
        f"Needs about {size('needed')}, of which {size('free')} are free: it {verdict}. Peak of the process: about"
        f" {size('peak')}.",
    ]
    if not result["fits"] and result["smaller"]:
        told = ", ".join(f"{name} {n_bytes / 1e9:,.2f} GB" for name, n_bytes in result["smaller"].items())
        lines.append(f"Would fit: {told}.")
    return "\n".join(lines)
