"""`report`: everything about a concept as one HTML file that opens from disk, and as data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.concept import add_question, question_of, words_of
from core.errors import UserError
from core.progress import Listener

NAME = "report"
HELP = "one standalone HTML file about a concept in one model; what is missing is computed first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the HTML file that is written")
    parser.add_argument("--replace", action="store_true", help="write over a file of that name")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.concept import command_line, compute_missing
    from core.concept.report import report_data, report_html
    from core.workspace import write_bytes

    out = args.out.expanduser()
    if out.exists() and not args.replace:
        raise UserError(f"{out} is there already; name another file, or say --replace.")
    if not out.parent.is_dir():
        raise UserError(f"There is no folder {out.parent} to write {out.name} to.")
    model, question = question_of(args)
    found = compute_missing(model, question, progress=progress)
    command = command_line(["report", *words_of(args), "--out", out.name])
    write_bytes(out, report_html(found, command).encode("utf-8", "replace"))
    return {"path": str(out), "data": report_data(found, command)}


def show(result: dict[str, Any]) -> str:
    said = [one["sentence"] for one in result["data"]["disagreements"]]
    return "\n".join([f"Wrote {result['path']}.", *said])
