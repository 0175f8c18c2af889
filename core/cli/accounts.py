"""`accounts`: who may use this workspace's server."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli.console import table
from core.progress import Listener

NAME = "accounts"
HELP = "who may use a server of this workspace; `accounts add` and `accounts remove` change it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    from core.accounts import list_accounts
    from core.accounts.book import folder_of
    from core.quota import bytes_below

    return {
        "accounts": [
            {
                "name": one.name,
                "email": one.email,
                "made": one.made,
                "space": str(folder_of(one)),
                "bytes": bytes_below(folder_of(one)),
            }
            for one in list_accounts()
        ]
    }


def show(result: dict[str, Any]) -> str:
    if not result["accounts"]:
        return "There are no accounts yet; `python -m core accounts add NAME` makes one."
    rows = [
        [one["name"], one["email"], one["made"], round(one["bytes"] / 1e6), one["space"]] for one in result["accounts"]
    ]
    return table(("name", "e-mail", "made", "MB", "space"), rows)
