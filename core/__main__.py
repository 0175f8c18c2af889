"""`python -m core COMMAND`: the same functions as the pages.

With --json the result is one JSON object on standard output; progress goes to standard error. What the user
can mend is said in one line, with exit status 2.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from core.cli import (
    accounts,
    accounts_add,
    accounts_remove,
    assets,
    concept,
    direction,
    direction_combine,
    direction_delete,
    direction_export,
    direction_import,
    direction_rename,
    direction_show,
    directions,
    examples,
    lens,
    lens_train,
    models,
    models_needs,
    prepare,
    probe,
    record,
    report,
    sae,
    sae_compare,
    sae_eval,
    sae_export,
    sae_features,
    sae_import,
    sae_index,
    sae_map,
    sae_probe,
    sae_train,
    serve,
    steer,
    steer_fold,
    tcav,
    tcav_calibrate,
    tcav_gcav,
    tcav_scan,
)
from core.cli.arguments import Parser
from core.cli.console import console
from core.errors import UserError
from core.jobs import listener
from core.progress import Progress

_DICTIONARIES = (
    *(sae, sae_train, sae_import, sae_eval, sae_probe),
    *(sae_index, sae_features, sae_map, sae_compare, sae_export),
)
_LENSES = (lens, lens_train)
_LIBRARY = (direction_show, direction_combine, direction_export, direction_import, direction_rename, direction_delete)
_SERVER = (accounts, accounts_add, accounts_remove, serve)
_TCAV = (tcav, tcav_calibrate, tcav_gcav, tcav_scan)
# A name may be of two words: `direction show` stands beside `direction`, whose own first argument is a model.
COMMANDS = {
    command.NAME: command
    for command in (
        models,
        models_needs,
        examples,
        record,
        probe,
        direction,
        directions,
        *_LIBRARY,
        *_TCAV,
        *_DICTIONARIES,
        steer,
        steer_fold,
        lens,
        lens_train,
        concept,
        report,
        prepare,
        assets,
        *_SERVER,
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = Parser(prog="python -m core", description="Probe and steer concepts in language models.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(own)
        own.add_argument("--json", action="store_true", help="one JSON object on standard output")
    args = parser.parse_args(_joined(sys.argv[1:] if argv is None else list(argv)))
    chosen = COMMANDS[args.command]
    on_console, in_job = console(), listener()

    def progress(moment: Progress) -> None:
        on_console(moment)
        in_job(moment)

    try:
        result = chosen.run(args, progress)
    except UserError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; what was finished is kept.", file=sys.stderr)
        return 130
    print(json.dumps(result, ensure_ascii=False, allow_nan=False) if args.json else chosen.show(result))
    return 0


def _joined(argv: list[str]) -> list[str]:
    """The arguments with the two words of such a command's name made one."""
    name = " ".join(argv[:2])
    return [name, *argv[2:]] if " " in name and name in COMMANDS else argv


if __name__ == "__main__":
    sys.exit(main())
