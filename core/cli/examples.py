"""`examples`: the labelled sets at hand; looking into one, checking it, keeping one's own."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli import arguments, image_examples, own_examples
from core.cli.console import table
from core.errors import UserError
from core.examples.image_ids import SAVED
from core.progress import Listener

NAME = "examples"
HELP = "the example sets that are at hand; show, lint, save, export, rename, delete or restore one"
FORMATS = (".csv", ".jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--search", default="", help="only sets whose id, title or subject holds these words")
    parser.add_argument("--subject", default="", help="only sets of this subject")
    parser.add_argument("--limit", type=arguments.count, help="show at most this many")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, help: str) -> argparse.ArgumentParser:
        own = actions.add_parser(name, help=help, description=help)
        own.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object")
        return own

    shown = action("show", "some rows of a set")
    shown.add_argument("id", metavar="ID")
    shown.add_argument("--rows", type=arguments.count, default=10, help="how many (default: 10)")
    shown.add_argument("--seed", type=arguments.seed, default=0, help="of the choice of rows")
    linted = action("lint", "what to know of a set before a probe is trained on it")
    linted.add_argument("id", metavar="ID")
    linted.add_argument("--limit", type=arguments.count, help="of this many rows only, the classes in proportion")
    linted.add_argument("--max-length", type=arguments.count, default=arguments.MAX_LENGTH, help="tokens of a text")
    linted.add_argument("--model", metavar="MODEL", help="count tokens as this model does, in place of an estimate")
    own_examples.add_arguments(action("save", "keep a set of your own under a name"))
    exported = action("export", "write a set as CSV or JSONL, or its images into a folder")
    exported.add_argument("id", metavar="ID")
    exported.add_argument("--to", metavar="FILE", required=True, help="a .csv or .jsonl file, or for images a folder")
    renamed = action("rename", "call a saved set by another name")
    renamed.add_argument("id", metavar="NAME")
    renamed.add_argument("new", metavar="NEW")
    for name, help in (("delete", "put a saved set aside"), ("restore", "bring back a set that was deleted")):
        action(name, help).add_argument("id", metavar="NAME")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core import examples as room

    if args.action is None:
        return _list(args, progress)
    if args.action == "show":
        return _show_rows(args)
    if args.action == "lint":
        return _lint(args)
    if args.action == "save":
        return own_examples.run(args)
    if args.action == "export":
        return _export(args)
    if args.action == "rename":
        room.rename_examples(args.id, args.new)
        return {"action": "rename", "id": args.new, "was": args.id}
    if args.id.startswith(SAVED):
        change = room.delete_images if args.action == "delete" else room.restore_images
        change(args.id.removeprefix(SAVED))
        return {"action": args.action, "id": args.id}
    change = room.delete_examples if args.action == "delete" else room.restore_examples
    change(args.id)
    return {"action": args.action, "id": args.id}


def _list(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.examples import prepare, search

    prepare(progress)
    found = search(args.search, args.subject, images=True)
    return {"examples": [asdict(info) for info in found[: args.limit]]}


def _show_rows(args: argparse.Namespace) -> dict[str, Any]:
    from core.examples import is_images, open_examples, some_rows

    if is_images(args.id):
        return image_examples.rows(args.id, args.rows)
    found = open_examples(args.id)
    rows = some_rows(found, args.rows, seed=args.seed)
    return {
        "id": found.id,
        "title": found.title,
        "rows": [{"row": row, "label": int(found.labels[row]), "text": found.texts[row]} for row in rows],
    }


def _lint(args: argparse.Namespace) -> dict[str, Any]:
    from core.examples import lint, open_examples

    found = open_examples(args.id, limit=args.limit)
    n_tokens = None
    if args.model is not None:
        from core.models import open_model
        from core.models.tokens import tokenize

        n_tokens = [len(ids) for ids in tokenize(open_model(args.model), found.texts, None)]
    report = lint(found, max_length=args.max_length, n_tokens=n_tokens)
    return {"id": found.id, "title": found.title, **report.to_json()}


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from core.examples import is_images, open_examples, to_csv, to_jsonl
    from core.workspace import write_bytes

    if is_images(args.id):
        return image_examples.export(args.id, Path(args.to).expanduser())
    path = Path(args.to).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{args.to} must end in {' or '.join(FORMATS)}.")
    found = open_examples(args.id)
    write_bytes(path, to_jsonl(found) if path.suffix.lower() == ".jsonl" else to_csv(found).encode())
    return {"action": "export", "id": found.id, "path": str(path), "rows": len(found)}


def show(result: dict[str, Any]) -> str:
    if "examples" in result:
        columns = ("id", "subject", "positives", "negatives", "title")
        return table(columns, [[one[column] for column in columns] for one in result["examples"]])
    if "findings" in result:
        return _report(result)
    if isinstance(result.get("rows"), list):
        return "\n".join(f"{'+' if one['label'] else '-'} {' '.join(one['text'].split())}" for one in result["rows"])
    if result["action"] == "rename":
        return f"{result['was']} is now called {result['id']}."
    if result["action"] == "export":
        return f"{result['rows']:,} rows of {result['id']} are in {result['path']}."
    if result["action"] == "save":
        return f"{result['positives']:,} positives and {result['negatives']:,} negatives are kept as {result['id']}."
    done = "brought back" if result["action"] == "restore" else "deleted; `examples restore` brings it back"
    return f"{result['id']} is {done}."


def _report(result: dict[str, Any]) -> str:
    lines = [f"{result['title']}: {result['rows']:,} rows."]
    for one in result["findings"]:
        lines.append(f"{one['severity'].upper()}: {one['sentence']} {one['remedy']}")
        if one["rows"]:
            lines.append(f"    rows {', '.join(map(str, one['rows'][:10]))}{' …' if one['n_rows'] > 10 else ''}")
    if not result["findings"]:
        lines.append("Nothing was found that would mislead.")
    areas = [("length", result["length"]), ("single words", result["words"]), ("a few words", result["few"])]
    told = [f"{name} {area['auroc']:.2f} ({area['low']:.2f} to {area['high']:.2f})" for name, area in areas if area]
    lines.append(f"AUROC without any model: {', '.join(told)}.")
    return "\n".join(lines)
