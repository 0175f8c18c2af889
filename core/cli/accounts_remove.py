"""`accounts remove`: an account goes; what was saved under it stays unless that is to go too."""

from __future__ import annotations

import argparse
from typing import Any

from core.progress import Listener

NAME = "accounts remove"
HELP = "take an account away; whoever uses it is signed out, and their jobs end"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--with-space", action="store_true", help="delete all that was saved under it too")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core import jobs, spaces
    from core.accounts import remove_account
    from core.accounts.book import delete_space, folder_of

    account = remove_account(args.name)
    with spaces.within(account.space):
        for one in jobs.jobs():
            if one.state == "running":
                jobs.cancel(one.id)
    if args.with_space:
        delete_space(account)
    return {"name": account.name, "space": str(folder_of(account)), "space_deleted": args.with_space}


def show(result: dict[str, Any]) -> str:
    left = "and what was saved under it is deleted" if result["space_deleted"] else f"its files stay: {result['space']}"
    return f"{result['name']} cannot sign in any more; {left}."
