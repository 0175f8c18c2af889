"""`accounts add`: an account for a server, with a password that is typed or piped, never an argument."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from core.errors import UserError
from core.progress import Listener

NAME = "accounts add"
HELP = "an account for a server; the password is asked for, or read from standard input"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="small letters, digits, '_', '.', '-'; what is typed to sign in")
    parser.add_argument(
        "--email",
        default="",
        metavar="ADDRESS",
        help="lets in whom an identity provider says to have it (docs/serving.md); no password is asked for",
    )
    parser.add_argument("--password", action="store_true", help="with --email: a password as well")
    parser.add_argument("--replace", action="store_true", help="give an account that is there another password")


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.accounts import add_account

    password = None if args.email and not args.password else _password()
    account = add_account(args.name, password, email=args.email, replace=args.replace)
    return {"name": account.name, "email": account.email, "made": account.made}


def _password() -> str:
    """Typed twice at a terminal; elsewhere the first line of standard input. An argument would stand in lists of
    processes and in the shell's history."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise UserError("These were two different passwords; try again.")
    return first


def show(result: dict[str, Any]) -> str:
    return f"{result['name']} can sign in now."
