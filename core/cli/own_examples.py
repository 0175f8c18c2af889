"""`examples save`: a set of one's own from a file, two lists or a template."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import workspace
from core.cli import arguments
from core.errors import UserError

if TYPE_CHECKING:
    from core.examples import Examples, ImageExamples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="NAME", help="what it will be called")
    parser.add_argument("--replace", action="store_true", help="also if the name is taken")
    parser.add_argument("--join-near-repeats", action="store_true", help="group texts that are nearly the same")
    parser.add_argument("--limit", type=arguments.count, help="this many rows only, the classes in proportion")
    table = parser.add_argument_group("from a file or another set")
    table.add_argument("--from", dest="source", metavar="FILE", help="CSV, TSV, JSONL or TXT, or the id of a set")
    table.add_argument("--text-column", help="default: text")
    table.add_argument("--label-column", help="default: label")
    table.add_argument("--group-column", help="rows that stay together when split (default: group, if there is one)")
    table.add_argument("--subgroup-column", help="kinds whose scores are compared (default: subgroup, if there is one)")
    table.add_argument("--positive", help="the label that is positive")
    table.add_argument("--encoding", help="of the file, such as windows-1252 (default: utf-8)")
    images = parser.add_argument_group("from images")
    images.add_argument("--images", metavar="PATH", help="a folder or a zip file of images; the set is saved/NAME then")
    images.add_argument("--background", default="", help="colour behind transparent parts (default: white)")
    images.add_argument("--positive-folder", metavar="NAME", help="the folder of positives, where there are two")
    lists = parser.add_argument_group("from two TXT files, one text a line")
    lists.add_argument("--positives", metavar="FILE")
    lists.add_argument("--negatives", metavar="FILE")
    template = parser.add_argument_group("from a template")
    template.add_argument(
        "--pattern", action="append", help="such as 'The {noun} was {word}.'; several if given several times"
    )
    template.add_argument("--positive-words", help="for {word}, with commas")
    template.add_argument("--negative-words", help="for {word}, with commas")
    template.add_argument("--slot", action="append", default=[], metavar="NAME=A,B", help="words for another slot")
    template.add_argument(
        "--together",
        choices=["word", "other"],
        default="word",
        help="what stays on one side of a split: rows with the same word (default), or with the same other words",
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    from core.examples import join_near_repeats, save_examples

    ways = {
        "--from": args.source is not None,
        "--positives with --negatives": args.positives is not None or args.negatives is not None,
        "--pattern": args.pattern is not None,
        "--images": args.images is not None,
    }
    if sum(ways.values()) != 1:
        raise UserError(f"Say where the texts come from: one of {', '.join(ways)}.")
    if args.images is not None:
        return _keep_images(args)
    if args.source is not None:
        found = _from_file(args)
    elif args.pattern is not None:
        found = _from_template(args)
    else:
        found = _from_lists(args)
    if args.join_near_repeats:
        found = join_near_repeats(found)
    return _kept(save_examples(found, args.id, replace=args.replace))


def _keep_images(args: argparse.Namespace) -> dict[str, Any]:
    from core.examples import save_images

    path = workspace.readable(Path(args.images).expanduser())
    found = save_images(args.id, path, background=args.background, positive=args.positive_folder, replace=args.replace)
    return _kept(found)


def _kept(kept: Examples | ImageExamples) -> dict[str, Any]:
    return {
        "action": "save",
        "id": kept.id,
        "title": kept.title,
        "positives": kept.n_positives,
        "negatives": kept.n_negatives,
        "groups": int(kept.groups.max()) + 1,
        "notes": list(kept.notes),
    }


def _from_file(args: argparse.Namespace) -> Examples:
    from core.examples import open_examples, open_file

    chosen = {
        "text_column": args.text_column,
        "label_column": args.label_column,
        "group_column": args.group_column,
        "subgroup_column": args.subgroup_column,
        "positive": args.positive,
        "encoding": args.encoding,
    }
    told = {name: value for name, value in chosen.items() if value is not None}
    return open_file(args.source, limit=args.limit, **told) if told else open_examples(args.source, limit=args.limit)


def _from_lists(args: argparse.Namespace) -> Examples:
    from core.examples import from_lists, read_texts

    if args.positives is None or args.negatives is None:
        raise UserError("--positives and --negatives belong together; give both files.")
    return from_lists(read_texts(args.positives), read_texts(args.negatives), name=args.id)


def _from_template(args: argparse.Namespace) -> Examples:
    from core.examples import from_template

    others = {}
    for slot in args.slot:
        name, equals, words = slot.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--slot takes NAME=word,word,..., not {slot!r}.")
        others[name.strip()] = arguments.words(words)
    return from_template(
        args.pattern,
        arguments.words(args.positive_words or ""),
        arguments.words(args.negative_words or ""),
        others,
        name=args.id,
        together=args.together,
        limit=args.limit,
    )
